"""Memory: traced without a GPU, replayed through a model of the CUDA caching allocator, and read."""
