"""Retained messages of 3,000 bytes on ever new topics, so that the broker keeps them all.

Access: every way; under the site's root, under the insider's own topics, and outside of both.
"""

from __future__ import annotations

import itertools
import secrets

from countersign.carriers import topics
from countersign_workshop.bench_perimeter.attacker import Attacker

SIZE = 3000


async def attack(attacker: Attacker) -> None:
    numbers = itertools.count()
    site = attacker.cast.site
    own = attacker.insider.device_id

    async def flood(way: str) -> None:
        async with await attacker.open(way) as client:

            async def write() -> None:
                number = next(numbers)
                await client.retain(
                    (
                        topics.presence(site, secrets.token_bytes(32)),
                        topics.uplink(site, own, "evidence"),
                        f"{topics.ROOT}{site}/{own.hex()}/up/{number}",
                        f"elsewhere/{number}",
                    )[number % 4],
                    secrets.token_bytes(SIZE),
                )

            await attacker.stream(client, write)

    await attacker.every_way(flood)
