"""One command a file: `register(parser)` adds its arguments, `run(arguments)` is the command."""
