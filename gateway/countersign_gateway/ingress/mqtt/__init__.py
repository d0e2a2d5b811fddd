"""Messages from a broker."""
