"""Ends without any of Python's farewells: exits_hard.py CODE [STEPS]."""

import os
import sys

from tiny import train

train(steps=int(sys.argv[2]) if len(sys.argv) > 2 else 0)
os._exit(int(sys.argv[1]))
