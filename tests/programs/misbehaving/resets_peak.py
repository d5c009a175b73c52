"""Measures each step by itself: it resets what PyTorch counts."""

import torch
from tiny import build, step

model, optimizer = build()
step(model, optimizer, 2**16)
for _ in range(3):
    torch.cuda.reset_peak_memory_stats()
    torch.cuda.reset_accumulated_memory_stats()
    step(model, optimizer)
    torch.cuda.empty_cache()
