"""Tensors are small here: one thread is faster, however busy the machine is."""

import torch

torch.set_num_threads(1)
