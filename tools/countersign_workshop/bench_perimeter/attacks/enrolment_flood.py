"""Enrols new keys, all the way: request, challenge, proof. Each says that it is hardware.

Access: every way; the lobby is the one that a real stranger has. Where the broker gives the
attacker no foreign challenge, requests alone go out, which cost the gateway as much.
"""

from __future__ import annotations

import asyncio
import itertools
import secrets

from countersign import messages, reasons
from countersign.accounts import lobby_username
from countersign.carriers import topics
from countersign_workshop.bench_perimeter import accounts
from countersign_workshop.bench_perimeter.attacker import LOBBY, Attacker
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
            await client.subscribe(_challenges(attacker, way))
            answering = asyncio.create_task(_answer(attacker, way, client, waiting, room))
            try:
                while not (answering.done() or attacker.is_over()):
                    stranger = cast.device(f"applicant {way} {next(numbers)}")
                    if way == LOBBY and not _has_its_place(stranger):
                        await asyncio.sleep(0)
                        continue
                    waiting[stranger.device_id] = stranger
                    topic = attacker.uplink(way, stranger.device_id, "enrol")
                    await client.publish(topic, stranger.request(secrets.token_bytes(32)))
                    attacker.deeds.acts += 1
                    try:
                        await asyncio.wait_for(room.acquire(), 0.02)
                    except TimeoutError:
                        pass  # no challenge came: the next request goes out all the same
                if answering.done():
                    answering.result()
            finally:
                answering.cancel()

    await attacker.every_way(flood)


def _challenges(attacker: Attacker, way: str) -> str:
    site = attacker.cast.site
    if way == LOBBY:
        return topics.of_account(site, accounts.of_lobby(attacker.cast).client_id, "down/+")
    return f"{topics.ROOT}{site}/+/down/challenge"


def _has_its_place(stranger: SimulatedDevice) -> bool:
    """Whether this device's lobby account is the one that the attacker uses."""
    return lobby_username(stranger.device_id) == lobby_username(accounts.LOBBY_DEVICE)


async def _answer(
    attacker: Attacker,
    way: str,
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
            topic = attacker.uplink(way, stranger.device_id, "enrol")
            await client.publish(topic, stranger.proof(payload))
            attacker.deeds.acts += 1
