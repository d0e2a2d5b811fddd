"""What the gateway signs, and the key that it signs with."""
