"""Has packages whose names others have as well, and trains."""

import models
import segment_anything
import torch
import utils

import adapters
import harness

assert all(p.OWN for p in (adapters, harness, models, segment_anything, utils))
model = torch.nn.Linear(1024, 1024).cuda()
optimizer = torch.optim.AdamW(model.parameters())
for _ in range(3):
    model(torch.randn(8, 1024, device="cuda")).sum().backward()
    optimizer.step()
