"""`countersign`: one table of commands, each a module of its own."""
