"""Halves its batch until a step fits, then trains with that."""

import gc

import torch
from tiny import build, step

model, optimizer = build()
batch = 2**25
while True:
    try:
        step(model, optimizer, batch)
        break
    except torch.OutOfMemoryError:
        batch //= 2
        gc.collect()
        torch.cuda.empty_cache()
for _ in range(5):
    step(model, optimizer, batch)
