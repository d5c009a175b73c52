"""The same methods on several backbones, side by side."""
