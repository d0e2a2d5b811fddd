"""The programs that the workshop starts, and always ends."""
