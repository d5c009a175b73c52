"""Imports all, then trains in a child by fork."""

import os
import sys

from tiny import train

child = os.fork()
if child == 0:
    train()
    sys.exit()
_, status = os.waitpid(child, 0)
sys.exit(os.waitstatus_to_exitcode(status))
