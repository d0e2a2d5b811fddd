"""No attack: the same devices and the same site, for comparison."""

from __future__ import annotations

import asyncio
import time

from countersign_workshop.bench_perimeter.attacker import Attacker


async def attack(attacker: Attacker) -> None:
    await asyncio.sleep(max(0.0, attacker.cast.ends_s - time.monotonic()))
