"""What the device believes: the one way in for everything a transport delivers.

Cheap checks come first, the signature last, so that a broker that invents messages costs little.
"""

from countersign import messages, reasons
from countersign.proofs import schnorr


class Ignored(Exception):
    """A message without effect. The text is for the log; a broker may send what it likes."""


def open_from_gateway(payload: bytes, expected_type: int, attester):
    """Read a message; the caller checks its content, then calls `verify`. Raises Ignored."""
    if payload is None:
        raise Ignored("OVERSIZED")
    try:
        message = messages.open_message(payload)
    except reasons.Refused as refused:
        raise Ignored(reasons.NAMES[refused.reason])
    if message.type != expected_type:
        raise Ignored("a message of another type than its topic")
    if message.fields["gateway_id"] != attester.gateway_id:
        raise Ignored("from another gateway")
    if "device_id" in message.fields and message.fields["device_id"] != attester.device_id:
        raise Ignored("for another device")
    return message


def verify(message, attester) -> None:
    """Raises Ignored unless the pinned gateway key signed the message."""
    key = attester.config.gateway_public_key
    if not schnorr.verify(key, message.signing_digest(), message.signature):
        raise Ignored("not signed by our gateway")


def find_pending(message, attester):
    """The entry that `subject` names. Raises Ignored if we do not wait for it."""
    entry = attester.pending.find(message.fields["subject"])
    if entry is None:
        raise Ignored("answers nothing that this device waits for")
    return entry
