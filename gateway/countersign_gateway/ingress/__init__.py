"""Bytes in, one envelope out: the transports, and the bounded intake they fill."""
