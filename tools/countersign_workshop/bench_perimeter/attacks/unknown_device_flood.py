"""Well-formed evidence, truly signed, of devices that never enrolled here.

Access: every way; anonymous on each stranger's own topic, the insider on the same topics and on its
own.
"""

from __future__ import annotations

import itertools
import secrets

from countersign.carriers import topics
from countersign_workshop.bench_perimeter.attacker import Attacker

STRANGERS = 500


async def attack(attacker: Attacker) -> None:
    cast = attacker.cast
    ready = []
    for number in range(STRANGERS):
        stranger = cast.device(f"stranger {number}")
        evidence = stranger.evidence(secrets.token_bytes(32))
        for device_id in (stranger.device_id, attacker.insider.device_id):
            ready.append((topics.uplink(cast.site, device_id, "evidence"), evidence))
    turns = itertools.cycle(ready)

    async def flood(way: str) -> None:
        async with await attacker.open(way) as client:
            await attacker.stream(client, lambda: client.publish(*next(turns)))

    await attacker.every_way(flood)
