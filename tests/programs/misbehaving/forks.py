"""Trains in a child by fork."""

import os
import sys

child = os.fork()
if child == 0:
    from tiny import train

    train()
    sys.exit()
_, status = os.waitpid(child, 0)
sys.exit(os.waitstatus_to_exitcode(status))
