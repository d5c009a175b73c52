"""Accuracy in words, tables and plots."""
