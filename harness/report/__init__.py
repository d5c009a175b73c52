"""Tables and plots, made from records alone: this room needs no torch."""
