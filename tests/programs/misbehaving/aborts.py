"""Aborts, as a library does that finds itself in a state that cannot be."""

import os

from tiny import train

train(steps=1)
os.abort()
