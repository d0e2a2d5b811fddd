"""Checks that need nobody's word."""
