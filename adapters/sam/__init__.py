"""SAM itself: sizes, building, checkpoints."""
