"""Questions about a step that need no GPU: how much memory, whose, and what fits a card."""
