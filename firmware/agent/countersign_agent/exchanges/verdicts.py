"""The gateway's answers: AttestationResult and Error. Verified here, acted on elsewhere."""

from countersign import messages, reasons
from countersign_agent.exchanges.inbox import Ignored


def accept_result(message, payload: bytes, inbox, report):
    """(entry, fields) of a verdict on a message of ours, reported. payload: the message as it came.

    Raises Ignored.
    """
    entry = inbox.find_pending(message)
    verdict = message.fields
    if entry.result_digest is not None:
        raise Ignored("a second verdict")  # at-least-once delivery, or worse
    inbox.verify(message)
    # From here on the gateway itself said it; what is wrong now is a fault of the gateway.
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
    """(entry, reason) of a refusal of a message of ours, reported. Raises Ignored."""
    entry = inbox.find_pending(message)
    if entry.result_digest is not None:
        # A repeated delivery of what was accepted is refused as REPLAYED: the verdict stands.
        raise Ignored("a refusal of what has its verdict")
    inbox.verify(message)
    reason = message.fields["reason"]
    report("refused", message=entry.name, counter=entry.counter, reason=reason_name(reason))
    if reason != reasons.REPLAYED:
        inbox.pending.remove(entry)  # replayed: its verdict or receipt may still come
    return entry, reason


def reason_name(reason: int) -> str:
    """The name of a reason code; codes of later versions have a number only."""
    return reasons.NAMES.get(reason, "REASON_" + str(reason))
