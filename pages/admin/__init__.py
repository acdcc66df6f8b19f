"""What brings data in and keeps the place in order."""
