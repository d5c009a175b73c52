"""Rehearsal: a step run by PyTorch's own CUDA code, on a card that is not there."""
