"""What ``samfit blame`` shows: who holds the memory at the peak, as rows and in words."""
