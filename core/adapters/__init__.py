"""Adapters after training: registered, verified, approved, rolled back."""
