"""Crashes in C, as a broken extension does: crashes.py [STEPS]."""

import ctypes
import sys

from tiny import train

train(steps=int(sys.argv[1]) if len(sys.argv) > 1 else 0)
ctypes.string_at(0)
