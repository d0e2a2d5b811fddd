"""The one way in: every message that a transport delivers is opened and verified here.

Cheap checks come first and the signature last, so forged messages from a broker cost little.
"""

from countersign import identity, messages, reasons
from countersign.proofs import schnorr


class Ignored(Exception):
    """A message without effect: a broker may send anything. The text is for the log."""


class Inbox:
    """gateway_public_key: that of the only trusted gateway. pending: pending.Pending."""

    def __init__(self, gateway_public_key: bytes, device_id: bytes, pending):
        self._gateway_public_key = gateway_public_key
        self._device_id = device_id
        self.gateway_id = identity.gateway_id(gateway_public_key)
        self.pending = pending

    def open(self, kind, payload: bytes):
        """Read a payload that came as this kind. Raises Ignored. Verifies no signature.

        The caller checks the content, then calls `verify`, and only then acts on the message.
        """
        if payload is None:
            raise Ignored("OVERSIZED")
        try:
            message = messages.open_message(payload)
        except reasons.Refused as refused:
            raise Ignored(reasons.NAMES[refused.reason])
        if message.definition.kind is not kind:
            raise Ignored("a message of another type than its topic")
        if message.fields.get("gateway_id") != self.gateway_id:
            raise Ignored("from another gateway")
        if message.fields.get("device_id", self._device_id) != self._device_id:
            raise Ignored("for another device")
        return message

    def verify(self, message) -> None:
        """Raises Ignored unless the pinned gateway key signed the message."""
        key = self._gateway_public_key
        if not schnorr.verify(key, message.signing_digest(), message.signature):
            raise Ignored("not signed by our gateway")

    def find_pending(self, message):
        """The entry that the message's `subject` names. Raises Ignored if there is none."""
        entry = self.pending.find(message.fields["subject"])
        if entry is None:
            raise Ignored("answers nothing that this device waits for")
        return entry
