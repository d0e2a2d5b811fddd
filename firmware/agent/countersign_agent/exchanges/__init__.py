"""One conversation with the gateway a file."""
