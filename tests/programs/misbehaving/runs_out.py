"""Runs out of memory in its first step."""

from tiny import train

train(batch=2**24)
