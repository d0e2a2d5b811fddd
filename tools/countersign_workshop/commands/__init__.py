"""The commands of a checkout, a file for each. Each calls the package that does its work."""
