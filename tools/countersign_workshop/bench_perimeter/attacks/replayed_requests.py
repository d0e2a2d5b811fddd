"""Sends again what honest devices sent before: old enrolment requests, and all that it hears.

Access: every way, on the victims' own topics and on the insider's. The old requests are those of
all honest devices; the rest the attacker hears by itself, where the broker lets it listen.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import deque

from countersign.carriers import topics
from countersign_workshop.bench_perimeter.attacker import Attacker

KEPT = 500


async def attack(attacker: Attacker) -> None:
    cast = attacker.cast
    own = topics.uplink(cast.site, attacker.insider.device_id, "enrol")
    seen: deque[tuple[str, bytes]] = deque(maxlen=KEPT)
    for name in cast.honest:
        request = cast.old_request(name)
        seen.append((topics.uplink(cast.site, cast.device(name).device_id, "enrol"), request))
        seen.append((own, request))
    numbers = itertools.count()

    async def listen(way: str) -> None:
        async with await attacker.open(way, None) as client:
            await client.subscribe(topics.uplink_filter(cast.site))
            while True:
                seen.append(await client.receive())

    async def replay(way: str) -> None:
        async with await attacker.open(way) as client:

            async def write() -> None:
                await client.publish(*seen[next(numbers) % len(seen)])

            await attacker.stream(client, write)

    async with asyncio.TaskGroup() as group:
        group.create_task(attacker.again(listen, "anonymous"))
        group.create_task(attacker.every_way(replay))
