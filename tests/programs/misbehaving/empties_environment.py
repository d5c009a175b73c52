"""Forgets all variables before it uses CUDA, and trains."""

import os

from tiny import train

os.environ.clear()
train()
