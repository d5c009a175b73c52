"""What a program reads from a card that holds nothing, and what it is told."""
