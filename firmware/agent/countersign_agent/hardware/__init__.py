"""What differs from board to board."""
