"""SAM's weights in the files that people have: read safely, unwrapped, or refused by cause."""
