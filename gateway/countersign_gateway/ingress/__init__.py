"""The transports, which turn bytes into envelopes, and the bounded intake that they fill."""
