"""Memory: against batch, by category, over time, against parameters."""
