"""Proofs of a key: Schnorr (BIP-340), the three moves, rings, and the engines they run on."""
