"""Messages from serial lines."""
