"""Fixtures of tests that train or load a model; they are made when the first test asks for them."""

from __future__ import annotations

from tests.training_runs import first_run, model_folders

__all__ = ["first_run", "model_folders"]
