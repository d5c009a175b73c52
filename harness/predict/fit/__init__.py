"""What fits on a card: the largest batch of each method, and the levers that it takes."""
