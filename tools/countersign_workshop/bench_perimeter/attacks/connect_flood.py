"""Connections without end: some send nothing, some connect and stay, some connect and go.

Access: anonymous for all three; the lobby's and the insider's accounts connect again and again as
well, under many client ids.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections import deque

from countersign_workshop.bench_perimeter.attacker import ANONYMOUS, LOBBY, PAUSE_S, Attacker
from countersign_workshop.bench_perimeter.cast import INSIDER
from countersign_workshop.bench_perimeter.client import Client

MOST_HELD = 2000
AT_ONCE = 16


async def attack(attacker: Attacker) -> None:
    held: deque[Client] = deque()
    silent: deque[asyncio.StreamWriter] = deque()

    async def idle(way: str) -> None:
        held.append(await attacker.open(way, secrets.token_hex(10)))
        while len(held) > MOST_HELD:
            held.popleft().drop()

    async def mute(way: str) -> None:
        attacker.deeds.acts += 1
        with contextlib.suppress(OSError):
            _reader, writer = await asyncio.open_connection(attacker.cast.host, attacker.cast.port)
            silent.append(writer)
        while len(silent) > MOST_HELD:
            silent.popleft().transport.abort()
        await asyncio.sleep(PAUSE_S)

    async def come_and_go(way: str) -> None:
        (await attacker.open(way, secrets.token_hex(10))).drop()

    async with asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(attacker.again(idle, ANONYMOUS))
            group.create_task(attacker.again(mute, ANONYMOUS))
        group.create_task(attacker.again(come_and_go, ANONYMOUS))
        group.create_task(attacker.again(come_and_go, LOBBY))
        group.create_task(attacker.again(come_and_go, INSIDER))
    for client in held:
        client.drop()
    for writer in silent:
        writer.transport.abort()
