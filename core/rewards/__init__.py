"""What each interaction was worth, and how those values are distributed."""
