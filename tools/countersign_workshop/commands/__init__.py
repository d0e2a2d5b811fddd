"""One command of a checkout a file; each is thin, and its room has the rest."""
