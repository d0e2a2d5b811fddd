"""Garbage of every kind, small, so that as many refusals as possible are to be logged.

Access: every way, on the insider's own uplinks, on honest devices' uplinks and on strangers'.
"""

from __future__ import annotations

import itertools
import secrets

from countersign_workshop.bench_perimeter.attacker import Attacker


async def attack(attacker: Attacker) -> None:
    cast = attacker.cast
    evidence = attacker.insider.evidence(secrets.token_bytes(32))
    garbage = [
        b"",
        b"\xff",
        evidence[:-1],
        evidence + b"\x00",
        evidence[:-1] + bytes([evidence[-1] ^ 1]),
        b"\x18\x00",
        b"\x81" * 20,
        bytes(2049),
        attacker.insider.evidence(secrets.token_bytes(32), audience=bytes(32)),
        attacker.insider.request(bytes(32), suite=2),
    ]
    victims = [cast.device(name).device_id for name in cast.honest]
    victims += [attacker.insider.device_id] * len(victims)
    victims += [secrets.token_bytes(32) for _ in range(len(victims))]

    async def flood(way: str) -> None:
        turns = itertools.cycle(
            [
                (attacker.uplink(way, device_id, kind), payload)
                for device_id, payload in itertools.product(victims, garbage)
                for kind in ("evidence", "enrol")
            ]
        )
        async with await attacker.open(way) as client:
            await attacker.stream(client, lambda: client.publish(*next(turns)))

    await attacker.every_way(flood)
