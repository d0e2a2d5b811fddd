"""Verifies the gateway's answers, AttestationResult and Error. Others act on them."""

from countersign import messages, reasons
from countersign_agent.exchanges.inbox import Ignored


def accept_result(message, payload: bytes, inbox, report):
    """Verify and report a verdict. Returns (entry, fields). payload: the message as it came.

    Raises Ignored if it is no verdict on a message of this device.
    """
    entry = inbox.find_pending(message)
    verdict = message.fields
    if entry.result_digest is not None:
        raise Ignored("a second verdict")  # at-least-once delivery, or worse
    inbox.verify(message)
    # The gateway signed this message, so any fault from here on is the gateway's own.
    if verdict["counter"] != entry.counter:
        raise Ignored("a verdict on another counter")
    if verdict["allow"] != (verdict["reason"] == reasons.ACCEPTED):
        raise Ignored("a verdict that contradicts itself")
    entry.result_digest = messages.digest(payload)
    report(
        "verdict",
        message=entry.name,
        counter=entry.counter,
        allow=verdict["allow"],
        reason=reason_name(verdict["reason"]),
        mode=messages.MODE_NAMES[verdict["mode"]],
        age_s=verdict["age_s"],
        policy_version=verdict["policy_version"],
        revocation_epoch=verdict["revocation_epoch"],
    )
    return entry, verdict


def accept_error(message, inbox, report):
    """Verify and report a refusal. Returns (entry, reason). Raises Ignored."""
    entry = inbox.find_pending(message)
    if entry.result_digest is not None:
        # The gateway refuses a repeated delivery as REPLAYED. The earlier verdict stands.
        raise Ignored("a refusal of what has its verdict")
    inbox.verify(message)
    reason = message.fields["reason"]
    report("refused", message=entry.name, counter=entry.counter, reason=reason_name(reason))
    if reason != reasons.REPLAYED:
        inbox.pending.remove(entry)  # after REPLAYED, a verdict or receipt may still come
    return entry, reason


def reason_name(reason: int) -> str:
    """The name of a reason code, or REASON_<number> for a code of a later version."""
    return reasons.NAMES.get(reason, "REASON_" + str(reason))
