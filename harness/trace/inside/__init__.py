"""What CUDA's kernels and libraries allocate inside, which a dispatcher never sees."""
