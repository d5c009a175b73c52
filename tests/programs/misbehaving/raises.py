"""Raises an error of its own: raises.py [STEPS]."""

import sys

from tiny import train

train(steps=int(sys.argv[1]) if len(sys.argv) > 1 else 0)
raise ValueError("expected 3 channels, got 4")
