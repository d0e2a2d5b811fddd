"""Is it true? Decoding, beacons, challenges, and the numbered checks of the verifier."""
