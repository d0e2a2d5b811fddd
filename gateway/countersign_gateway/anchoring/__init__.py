"""Anchors commitments on the ledger, exactly once, and makes receipts for them."""
