"""Serial lines: messages without a broker."""
