"""The conversations with the gateway, each in its own file, and what they share."""
