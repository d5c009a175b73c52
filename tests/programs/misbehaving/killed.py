"""Is killed by a signal: killed.py NAME [STEPS]."""

import os
import signal
import sys
import time

from tiny import train

# A shell lets what it starts in the background ignore this one.
signal.signal(signal.SIGINT, signal.default_int_handler)
train(steps=int(sys.argv[2]) if len(sys.argv) > 2 else 0)
os.kill(os.getpid(), getattr(signal, sys.argv[1]))
time.sleep(60)
