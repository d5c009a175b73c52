"""What the adapters are made of: shared and inner parts."""
