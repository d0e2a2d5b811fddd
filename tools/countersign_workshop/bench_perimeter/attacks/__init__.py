"""The attacks. Each file has one: `async def attack(attacker)`, which goes on until the time is
over, and a docstring that says what it does and which access it needs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from countersign_workshop.bench_perimeter.attacker import Attacker
from countersign_workshop.bench_perimeter.attacks import (
    client_id_takeover,
    connect_flood,
    enrolment_flood,
    evidence_flood,
    log_flood,
    nothing,
    oversized_publish,
    replayed_requests,
    retained_flood,
    unknown_device_flood,
    will,
)

Attack = Callable[[Attacker], Awaitable[None]]

ATTACKS: dict[str, Attack] = {
    "connect_flood": connect_flood.attack,
    "client_id_takeover": client_id_takeover.attack,
    "retained_flood": retained_flood.attack,
    "will": will.attack,
    "oversized_publish": oversized_publish.attack,
    "unknown_device_flood": unknown_device_flood.attack,
    "enrolment_flood": enrolment_flood.attack,
    "replayed_requests": replayed_requests.attack,
    "log_flood": log_flood.attack,
    "evidence_flood": evidence_flood.attack,
}

NOTHING = "nothing"
"""The name of the run without an attacker, with which the others are compared."""


def named(name: str) -> Attack:
    return nothing.attack if name == NOTHING else ATTACKS[name]
