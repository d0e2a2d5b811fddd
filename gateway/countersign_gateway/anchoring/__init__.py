"""Commitments to the ledger, exactly once, and receipts back."""
