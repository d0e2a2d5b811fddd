"""Connects under the client ids of the gateway and of the honest devices, in turn.

Access: anonymous, with the victims' client ids, and with their user names and wrong passwords; and
the insider's account with the victims' client ids. Client ids follow from public identifiers.
"""

from __future__ import annotations

import asyncio
import dataclasses
import itertools

from countersign_workshop.bench_perimeter import accounts
from countersign_workshop.bench_perimeter.attacker import Attacker

HOLD_S = 0.05


async def attack(attacker: Attacker) -> None:
    cast = attacker.cast
    victims = [accounts.of_gateway(cast)]
    victims += [accounts.of_device(cast, name) for name in cast.honest]
    # The gateway's turn comes before each device's.
    turns = itertools.cycle([(victims[0], victim) for victim in victims[1:]])

    async def take_over(way: str) -> None:
        for victim in next(turns):
            client = await attacker.open(way, victim.client_id)
            await client.subscribe("#")
            await asyncio.sleep(HOLD_S)
            client.drop()

    async def guess(way: str) -> None:
        for victim in next(turns):
            wrong = dataclasses.replace(
                victim, username=victim.username or victim.client_id, password="0" * 43
            )
            client = await attacker.connect(way, wrong)
            await asyncio.sleep(HOLD_S)
            client.drop()

    async with asyncio.TaskGroup() as group:
        group.create_task(attacker.every_way(take_over))
        group.create_task(attacker.again(guess, "anonymous"))
