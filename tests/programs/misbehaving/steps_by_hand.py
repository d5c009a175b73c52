"""Updates its weights itself, without an optimizer of PyTorch's."""

import torch
from tiny import build

model, _ = build()
for _ in range(3):
    model(torch.randn(8, 1024, device="cuda")).sum().backward()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter -= 0.1 * parameter.grad
            parameter.grad = None
