"""A file for each command: `register(parser)` adds arguments, `run(arguments)` does the work."""
