"""A device's side of the protocol in Python, for the demonstration, the benches and the tests."""
