"""Trains, and ends in a function that was to be called at exit."""

import atexit
import os

from tiny import train

atexit.register(os._exit, 7)
train()
