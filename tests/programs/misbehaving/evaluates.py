"""Never trains: a forward pass and a backward one, no step of an optimizer."""

import torch
from tiny import build

model, _ = build()
for _ in range(3):
    model(torch.randn(8, 1024, device="cuda")).sum().backward()
