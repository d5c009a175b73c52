"""Allows itself a hundredth of the card, and runs out of that."""

import torch
from tiny import train

torch.cuda.set_per_process_memory_fraction(0.01)
train(batch=2**16)
