"""Runs and adapters: start training, watch it, decide what is let out."""
