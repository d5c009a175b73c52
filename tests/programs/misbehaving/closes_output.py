"""Closes its output and errors, and trains."""

import os
import sys

from tiny import train

sys.stdout.close()
sys.stderr.close()
for number in (1, 2):
    os.close(number)
train()
