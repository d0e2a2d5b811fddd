"""The durable record: devices, their messages, the answers, and the outbox for the ledger."""
