"""Waits for ever, after a step."""

import threading

from tiny import train

train(steps=1)
threading.Event().wait()
