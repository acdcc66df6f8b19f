"""Training: `dpo.train` turns pairs and a base model into an adapter's files and knows neither store nor screen.

`runs` keeps the life of a run in the store, `execution` carries one out; both stand around `train`.
"""
