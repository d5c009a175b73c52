"""Closes every file that it did not open, as daemons do, and trains."""

import os

from tiny import train

os.closerange(0, 1024)
train()
