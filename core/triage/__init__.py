"""What a piece of feedback is about, how urgent it is, and the inbox in which people decide."""
