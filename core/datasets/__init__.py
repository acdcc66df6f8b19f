"""Datasets: accepted pairs frozen with a content hash and split by prompt, so that a run can be repeated and traced."""
