"""What all adapters stand on: the interface, an adapted SAM, the registry and settings."""
