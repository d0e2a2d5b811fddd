"""Programs that the workshop starts and always ends."""
