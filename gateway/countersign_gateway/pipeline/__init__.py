"""One thread takes messages through the stages, a group at a time."""
