"""What only a checkout can do: fetch parts, build, emulate, measure, check."""
