"""Preference pairs: two answers to one prompt, and which of them people prefer.

Mining proposes pairs from ratings, corrections and regenerations, files bring more; annotators decide the rest.
"""
