"""Memory: traced without a GPU, replayed through a model of CUDA's allocator, and read."""
