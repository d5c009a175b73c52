"""What a card is, and what the driver says about it."""
