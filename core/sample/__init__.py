"""The sample workspace: a fictitious product, its two agents, and what people said about their answers.

Pure words, generated from a seed: nothing here knows the store or a model.
"""
