"""Trains, and leaves a process behind that keeps standard output open."""

import subprocess

from tiny import train

subprocess.Popen(["sleep", "30"])
train()
