"""The one training step, and the levers that it can be run with."""
