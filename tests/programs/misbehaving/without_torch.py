"""Needs no torch."""

print("hello")
