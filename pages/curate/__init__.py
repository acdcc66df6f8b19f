"""Pairs and datasets: label, curate, freeze."""
