"""Talking to a board at its MicroPython prompt."""
