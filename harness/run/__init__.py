"""Running Cells: worker processes, sweeps, profiles."""
