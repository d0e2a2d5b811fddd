"""The gateway's answers: AttestationResult and Error. Verified here, acted on elsewhere."""

from countersign import messages, reasons
from countersign_agent.exchanges import inbound


def accept_result(payload: bytes, attester):
    """(entry, fields) of a verdict on a message of ours, reported. Raises Ignored."""
    message = inbound.open_from_gateway(payload, messages.ATTESTATION_RESULT, attester)
    entry = inbound.find_pending(message, attester)
    verdict = message.fields
    if entry.result_digest is not None:
        raise inbound.Ignored("a second verdict")  # at-least-once delivery, or worse
    inbound.verify(message, attester)
    # From here on the gateway itself said it; what is wrong now is a fault of the gateway.
    if verdict["counter"] != entry.counter:
        raise inbound.Ignored("a verdict on another counter")
    if verdict["allow"] != (verdict["reason"] == reasons.ACCEPTED):
        raise inbound.Ignored("a verdict that contradicts itself")
    entry.result_digest = messages.digest(payload)
    attester.report(
        "verdict",
        message=entry.kind,
        counter=entry.counter,
        allow=verdict["allow"],
        reason=reason_name(verdict["reason"]),
        mode=messages.MODE_NAMES[verdict["mode"]],
        age_s=verdict["age_s"],
        policy_version=verdict["policy_version"],
        revocation_epoch=verdict["revocation_epoch"],
    )
    return entry, verdict


def accept_error(payload: bytes, attester):
    """(entry, reason) of a refusal of a message of ours, reported. Raises Ignored."""
    message = inbound.open_from_gateway(payload, messages.ERROR, attester)
    entry = inbound.find_pending(message, attester)
    if entry.result_digest is not None:
        # A repeated delivery of what was accepted is refused as REPLAYED: the verdict stands.
        raise inbound.Ignored("a refusal of what has its verdict")
    inbound.verify(message, attester)
    reason = message.fields["reason"]
    attester.report(
        "refused", message=entry.kind, counter=entry.counter, reason=reason_name(reason)
    )
    if reason != reasons.REPLAYED:
        attester.pending.remove(entry)  # replayed: its verdict or receipt may still come
    return entry, reason


def reason_name(reason: int) -> str:
    """The name of a reason code; codes of later versions have a number only."""
    return reasons.NAMES.get(reason, "REASON_" + str(reason))
