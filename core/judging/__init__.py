"""Verdicts on answers and plans, with everything needed to doubt them."""
