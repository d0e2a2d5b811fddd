"""Publishes one message of 250 MB after the other, and retained ones of 16 MB.

Access: every way, on the insider's own uplink.
"""

from __future__ import annotations

import itertools

from countersign.carriers import topics
from countersign_workshop.bench_perimeter.attacker import Attacker
from countersign_workshop.bench_perimeter.client import publish_head

SIZES = ((250_000_000, False), (16_000_000, True))
_PIECE = bytes(1 << 20)


async def attack(attacker: Attacker) -> None:
    topic = topics.uplink(attacker.cast.site, attacker.insider.device_id, "evidence").encode()
    name = len(topic).to_bytes(2, "big") + topic
    turns = itertools.cycle(SIZES)

    async def publish(way: str) -> None:
        size, retain = next(turns)
        async with await attacker.open(way) as client:
            await client.write(publish_head(len(name) + size, retain) + name)
            for _ in range(size // len(_PIECE)):
                await client.write(_PIECE)
            await client.write(_PIECE[: size % len(_PIECE)])
            attacker.deeds.acts += 1
            client.keep_alive()

    await attacker.every_way(publish)
