"""The one way in: every message that a transport delivers is opened and verified here.

Cheap checks come first, the signature last, so that a broker that invents messages costs little.
"""

from countersign import identity, messages, reasons
from countersign.proofs import schnorr


class Ignored(Exception):
    """A message without effect. The text is for the log; a broker may send what it likes."""


class Inbox:
    """gateway_public_key: of the one gateway that is believed. pending: pending.Pending."""

    def __init__(self, gateway_public_key: bytes, device_id: bytes, pending):
        self._gateway_public_key = gateway_public_key
        self._device_id = device_id
        self.gateway_id = identity.gateway_id(gateway_public_key)
        self.pending = pending

    def open(self, kind, payload: bytes):
        """Read what came as this kind. Raises Ignored.

        Whoever acts on the message checks its content, then calls `verify`.
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
        """The entry that `subject` names. Raises Ignored if we do not wait for it."""
        entry = self.pending.find(message.fields["subject"])
        if entry is None:
            raise Ignored("answers nothing that this device waits for")
        return entry
