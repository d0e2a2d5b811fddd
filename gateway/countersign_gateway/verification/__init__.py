"""Verifies messages: decoding, beacons, challenges, and the numbered checks of the verifier."""
