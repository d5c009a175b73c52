"""What a user has on disk, as examples. Needs no torch."""
