"""What the values of masks mean, decided from all masks of a data set."""
