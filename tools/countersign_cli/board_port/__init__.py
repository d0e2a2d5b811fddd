"""Talking to a board at its prompt."""
