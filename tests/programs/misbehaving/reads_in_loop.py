"""Reads a value from the card until it changes, which it never does."""

import torch
from tiny import build, step

model, optimizer = build()
loss = step(model, optimizer)
while loss.item() != -1:
    torch.cuda.synchronize()
