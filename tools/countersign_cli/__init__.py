"""The `countersign` command as operators have it: nothing here needs a checkout."""
