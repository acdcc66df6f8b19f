"""What people wrote, what the judge said, what it was worth."""
