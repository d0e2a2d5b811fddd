"""Putting firmware on a board."""
