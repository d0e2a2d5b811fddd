"""Enrols new keys, all the way: request, challenge, proof. Each says that it is hardware.

Access: both ways. Where the broker gives the attacker no foreign challenge, requests alone go out,
which cost the gateway as much.
"""

from __future__ import annotations

import asyncio
import itertools
import secrets

from countersign import messages, reasons
from countersign.carriers import topics
from countersign_workshop.bench_perimeter.attacker import Attacker
from countersign_workshop.bench_perimeter.client import Client, Refused
from countersign_workshop.simulation.simulated_device import SimulatedDevice

UNDER_WAY = 64


async def attack(attacker: Attacker) -> None:
    cast = attacker.cast
    numbers = itertools.count()

    async def flood(way: str) -> None:
        async with await attacker.open(way) as client:
            waiting: dict[bytes, SimulatedDevice] = {}
            room = asyncio.Semaphore(UNDER_WAY)
            await client.subscribe(f"{topics.ROOT}{cast.site}/+/down/challenge")
            answering = asyncio.create_task(_answer(attacker, client, waiting, room))
            try:
                while not answering.done():
                    stranger = cast.device(f"applicant {way} {next(numbers)}")
                    waiting[stranger.device_id] = stranger
                    topic = topics.uplink(cast.site, stranger.device_id, "enrol")
                    await client.publish(topic, stranger.request(secrets.token_bytes(32)))
                    attacker.deeds.acts += 1
                    try:
                        await asyncio.wait_for(room.acquire(), 0.02)
                    except TimeoutError:
                        pass  # no challenge came: the next request goes out all the same
                answering.result()
            finally:
                answering.cancel()

    await attacker.both_ways(flood)


async def _answer(
    attacker: Attacker,
    client: Client,
    waiting: dict[bytes, SimulatedDevice],
    room: asyncio.Semaphore,
) -> None:
    while True:
        try:
            _, payload = await client.receive()
        except Refused:
            return
        room.release()
        try:
            challenge = messages.open_message(payload)
        except reasons.Refused:
            continue
        stranger = waiting.pop(challenge.fields.get("device_id"), None)
        if stranger is not None:
            topic = topics.uplink(attacker.cast.site, stranger.device_id, "enrol")
            await client.publish(topic, stranger.proof(payload))
            attacker.deeds.acts += 1
