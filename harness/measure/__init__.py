"""Run a step on the device: its memory and its time."""
