"""Proofs of a key: Schnorr (BIP-340), Sigma proofs, ring proofs, and the engines below them."""
