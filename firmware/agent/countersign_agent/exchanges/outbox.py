"""The one way out: every message of the device is signed, remembered and sent here."""

from countersign import messages


class Outbox:
    """identity: keystore.Identity. transport: see transport.py. pending: pending.Pending."""

    def __init__(self, identity, transport, pending):
        self._identity = identity
        self._transport = transport
        self._pending = pending

    def send(self, type: int, values: dict):
        """Sign, remember and send one message. Returns its pending.Entry. Raises TransportError."""
        data = messages.seal(type, values, self._identity.sign)
        entry = self._pending.add(messages.digest(data), type, values.get("counter"))
        self._transport.send(messages.BY_TYPE[type].kind, data)
        return entry
