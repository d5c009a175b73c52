"""Runs out of memory, says a word, and ends as if all were well."""

import sys

import torch
from tiny import train

try:
    train(batch=2**20)
except torch.OutOfMemoryError:
    print("please use a smaller batch")
    sys.exit(0)
