"""What every table and plot is drawn with."""
