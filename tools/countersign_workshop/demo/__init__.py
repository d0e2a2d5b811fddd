"""The demonstration: its acts, its parts, and an attacker on the network between them."""
