"""The protocol's other side in Python: what the demonstration, the benches and the tests share."""
