"""How the files of a data set are laid out: which image belongs to which masks."""
