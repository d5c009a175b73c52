"""Losses of the papers."""
