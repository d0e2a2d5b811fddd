"""The demonstration: its story, its cast, and the hostile network between them."""
