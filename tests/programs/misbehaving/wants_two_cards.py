"""Wants a second card where there is one."""

import torch

torch.nn.Linear(8, 8).to("cuda:1")
