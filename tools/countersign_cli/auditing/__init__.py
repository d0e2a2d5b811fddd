"""Checks that an auditor can run without trusting anybody's statement."""
