"""Prints what is not text in any encoding, and trains."""

import sys

from tiny import train

sys.stdout.buffer.write(bytes(range(256)) * 100)
sys.stderr.buffer.write(bytes(range(256)) * 100)
train()
