"""What changed between two runs of the suite: memory exactly, time beyond its spread."""
