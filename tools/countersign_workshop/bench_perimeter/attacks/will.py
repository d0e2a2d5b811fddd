"""Leaves last wills on topics of the gateway: a broker publishes them under its own hand.

Access: every way; the wills go to the beacon's topic, retained, and to honest devices' downlinks.
"""

from __future__ import annotations

import itertools
import secrets

from countersign.carriers import topics
from countersign_workshop.bench_perimeter.attacker import Attacker


async def attack(attacker: Attacker) -> None:
    cast = attacker.cast
    targets = [topics.beacon(cast.site)]
    for name in cast.honest:
        targets.append(topics.downlink(cast.site, cast.device(name).device_id, "result"))
        targets.append(topics.beacon(cast.site))
    turns = itertools.cycle(targets)

    async def die(way: str) -> None:
        client = await attacker.open(way, will=(next(turns), secrets.token_bytes(300)))
        client.drop()

    await attacker.every_way(die)
