"""What is asked and what is answered: Cell, Record, and their file. Needs no torch."""
