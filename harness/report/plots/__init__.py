"""One file a plot; each takes records and gives a matplotlib Figure, or None without data."""
