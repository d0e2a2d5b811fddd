"""Whether and when every message was answered, correctly and once; examined after the run."""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from dataclasses import dataclass

from coincurve import PublicKeyXOnly

from countersign import messages, reasons
from countersign_gateway.verification import codec
from countersign_workshop.bench_gateway import mqtt_wire
from countersign_workshop.bench_gateway.devices import Packets
from countersign_workshop.bench_gateway.load import Phase, Subscriber


@dataclass(frozen=True)
class Answers:
    """The answers to everything that was sent.

    allowed: signed results that allow. refused: signed results that do not.
    lost: messages without a result. duplicated: results beyond a message's first.
    unsigned: results whose signature is not the gateway's. strange: results for a subject that was
    not sent, and payloads that are no results. arrived_s: subject → monotonic time of its first
    result.
    """

    allowed: int
    refused: int
    lost: int
    duplicated: int
    unsigned: int
    strange: int
    arrived_s: dict[bytes, float]


def examine(subscriber: Subscriber, streams: Sequence[Packets], gateway_key: bytes) -> Answers:
    """Open and verify every result. gateway_key: 32 bytes, x-only."""
    sent = {subject for stream in streams for subject in stream.subjects}
    public_key = PublicKeyXOnly(gateway_key)
    ends = [end for end, _ in subscriber.arrivals]
    arrived_s: dict[bytes, float] = {}
    allowed = refused = duplicated = unsigned = strange = 0
    data = bytes(subscriber.received)
    position = 0
    while (found := mqtt_wire.packet_at(data, position)) is not None:
        start, end = found
        try:
            _, payload = mqtt_wire.read_publish(data[position], data[start:end])
            message = codec.open_message(payload)
        except (ValueError, reasons.Refused):
            message = None
        position = end
        if message is None or message.type != messages.ATTESTATION_RESULT:
            strange += 1
            continue
        subject = message.fields["subject"]
        if subject not in sent:
            strange += 1
        elif not public_key.verify(message.signature, message.signing_digest()):
            unsigned += 1
        elif subject in arrived_s:
            duplicated += 1
        else:
            # This is the first moment at which the packet's last byte had been read.
            arrived_s[subject] = subscriber.arrivals[bisect.bisect_left(ends, end)][1]
            if message.fields["allow"]:
                allowed += 1
            else:
                refused += 1
    return Answers(
        allowed, refused, len(sent) - len(arrived_s), duplicated, unsigned, strange, arrived_s
    )


def latencies_ms(phase: Phase, streams: Sequence[Packets], answers: Answers) -> list[float]:
    """The latency of each message of a scheduled phase, in ascending order.

    Each latency counts from when the message was due and not from when it was sent, so that a
    driver or broker that stalls cannot hide the wait (coordinated omission).
    """
    found = [
        answers.arrived_s[stream.subjects[number]] - phase.due_s(number, len(streams))
        for stream in streams
        for number in range(phase.first, phase.last)
        if stream.subjects[number] in answers.arrived_s
    ]
    return sorted(1000 * latency_s for latency_s in found)


def percentile(ascending: Sequence[float], percent: float) -> float:
    """The smallest value that `percent` of the values do not exceed (nearest rank)."""
    if not ascending:
        raise ValueError("no values")
    rank = -(-len(ascending) * percent // 100)
    return ascending[max(0, min(len(ascending), int(rank)) - 1)]
