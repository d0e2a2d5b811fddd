"""The durable record: devices, what they said, what was answered, and what awaits the ledger."""
