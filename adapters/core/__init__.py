"""What all adapters stand on: the interface, the registry and SAM's insertion points."""
