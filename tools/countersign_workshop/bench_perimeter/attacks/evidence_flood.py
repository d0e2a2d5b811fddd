"""Valid evidence of one enrolled device, as fast as it can sign: each is recorded and anchored.

Access: insider. This is the attack that fills a disk.
"""

from __future__ import annotations

import asyncio

from countersign import messages, reasons
from countersign.carriers import topics
from countersign_workshop.bench_perimeter.attacker import Attacker
from countersign_workshop.bench_perimeter.cast import INSIDER
from countersign_workshop.bench_perimeter.client import Client, Refused


async def attack(attacker: Attacker) -> None:
    cast = attacker.cast
    topic = topics.uplink(cast.site, attacker.insider.device_id, "evidence")

    async def flood(way: str) -> None:
        async with await attacker.open(way) as client:
            beacon = bytearray()
            await client.subscribe(topics.beacon(cast.site))
            listening = asyncio.create_task(_listen(client, beacon))
            try:
                while not (listening.done() or attacker.is_over()):
                    if beacon:
                        await client.publish(topic, attacker.insider.evidence(bytes(beacon)))
                        attacker.deeds.acts += 1
                    await asyncio.sleep(0 if beacon else 0.05)
                if listening.done():
                    listening.result()
            finally:
                listening.cancel()

    await attacker.again(flood, INSIDER)


async def _listen(client: Client, beacon: bytearray) -> None:
    while True:
        try:
            _, payload = await client.receive()
            message = messages.open_message(payload)
        except reasons.Refused:
            continue
        except Refused:
            return
        if message.type == messages.BEACON:
            beacon[:] = message.fields["beacon"]
