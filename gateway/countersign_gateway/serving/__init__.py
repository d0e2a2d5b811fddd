"""What others may ask of the gateway."""
