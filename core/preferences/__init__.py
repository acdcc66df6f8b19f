"""Preference pairs: two answers to one prompt, and which of them people prefer.

Mining proposes pairs from ratings, corrections, regenerations and imports; annotators decide the rest.
"""
