"""The `countersign` command as operators install it. Nothing in this package needs a checkout."""
