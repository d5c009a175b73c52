"""Needs what a ``sitecustomize`` of its own did, and trains."""

from tiny import train

assert of_this_site  # noqa: F821
train()
