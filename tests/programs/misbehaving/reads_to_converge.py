"""Trains until the loss is small, without a limit on steps."""

from tiny import build, step

model, optimizer = build()
loss = float("inf")
while not -1 < loss < -0.5:
    loss = step(model, optimizer).item()
