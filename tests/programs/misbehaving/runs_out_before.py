"""Runs out of memory while its model is moved to the card."""

import torch

layers = [torch.nn.Linear(2**15, 2**15, device="meta") for _ in range(8)]
model = torch.nn.Sequential(*layers).to_empty(device="cuda")
