"""Traces its own lines and replaces the hook of errors, and trains; then it raises."""

import sys

from tiny import train

sys.excepthook = lambda *error: print("something went wrong")
sys.settrace(lambda *event: None)
train()
raise KeyError("loss")
