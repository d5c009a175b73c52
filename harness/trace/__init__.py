"""Follow any step: each storage that it makes, from birth to death. Knows no SAM and no Cell."""
