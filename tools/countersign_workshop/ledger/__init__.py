"""The contracts and the development chain."""
