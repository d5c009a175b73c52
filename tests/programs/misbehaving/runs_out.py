"""Runs out of memory in its first backward pass."""

from tiny import train

train(batch=2**20)
