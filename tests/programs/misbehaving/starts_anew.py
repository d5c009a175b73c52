"""Starts itself anew in the same process, to set a variable before torch is imported."""

import os
import sys

if "STARTED_ANEW" not in os.environ:
    os.environ["STARTED_ANEW"] = "1"
    os.execv(sys.executable, [sys.executable, *sys.argv])

from tiny import train

train()
