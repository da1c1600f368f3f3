"""What the service can carry, measured."""
