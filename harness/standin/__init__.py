"""A library that stands in for CUDA, so that PyTorch's own CUDA code runs where no GPU is."""
