"""Sends messages to devices: replies, receipts and beacons."""
