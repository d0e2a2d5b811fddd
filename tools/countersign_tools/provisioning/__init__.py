"""Writing boards: `countersign provision`."""
