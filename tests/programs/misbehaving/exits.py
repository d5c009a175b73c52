"""Ends with an exit code of its own: exits.py CODE [STEPS]."""

import sys

from tiny import build, step

code, steps = int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0
model, optimizer = build()
done = 0
while True:
    if done == steps:
        sys.exit(code)
    step(model, optimizer)
    done += 1
