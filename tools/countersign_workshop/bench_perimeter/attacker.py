"""An attacker: an ordinary client of the broker, with one core of a machine to itself.

It comes in three ways. *Anonymous*: it can reach the broker's port and knows what the network shows
(identifiers, topics, messages of the past). *Lobby*: it also knows the settings of a board of this
site, and so the accounts of devices that are not known yet (PROTOCOL.md, section 12). *Insider*: it
holds the account of one device that is enrolled here, and that device's key. An attack tries all
three unless it says which one it needs.
"""

from __future__ import annotations

import asyncio
import dataclasses
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from countersign.carriers import topics
from countersign_workshop.bench_perimeter import accounts
from countersign_workshop.bench_perimeter.cast import INSIDER, Cast
from countersign_workshop.bench_perimeter.client import Client, Refused

ANONYMOUS = "anonymous"
LOBBY = "lobby"
WAYS = (ANONYMOUS, LOBBY, INSIDER)
# After a refusal. An attacker is patient enough to leave its own core some time.
PAUSE_S = 0.02


@dataclass
class Deeds:
    """What the attacker managed: acts (packets, connections, …) and, by way of coming in, how often
    the broker let it in or refused it."""

    acts: int = 0
    let_in: dict[str, int] = field(default_factory=lambda: dict.fromkeys(WAYS, 0))
    refused: dict[str, int] = field(default_factory=lambda: dict.fromkeys(WAYS, 0))


class Attacker:
    """One attack's view of the site."""

    def __init__(self, cast: Cast) -> None:
        self.cast = cast
        self.deeds = Deeds()
        self.insider = cast.device(INSIDER)
        self.insider.next_counter()  # its enrolment in the record has used 1

    async def open(
        self,
        way: str,
        client_id: str | None = None,
        will: tuple[str, bytes] | None = None,
    ) -> Client:
        """Connect in one of WAYS. client_id: another than the account's own. Raises Refused."""
        if way == ANONYMOUS:
            account = accounts.anonymous(client_id or f"stranger-{secrets.token_hex(6)}")
        else:
            if way == INSIDER:
                account = accounts.of_device(self.cast, INSIDER)
            else:
                account = accounts.of_lobby(self.cast)
            if client_id is not None:
                account = dataclasses.replace(account, client_id=client_id)
        return await self.connect(way, account, will)

    def uplink(self, way: str, device_id: bytes, kind: str) -> str:
        """The topic on which a client that came in this way speaks for a device."""
        if way == LOBBY:
            account = accounts.of_lobby(self.cast)
            return topics.of_account(self.cast.site, account.client_id, f"up/{kind}")
        return topics.uplink(self.cast.site, device_id, kind)

    async def connect(
        self, way: str, account: accounts.Account, will: tuple[str, bytes] | None = None
    ) -> Client:
        """Connect as any account, counted for `way`. Raises Refused."""
        self.deeds.acts += 1
        try:
            client = await Client.open(self.cast.host, self.cast.port, account, will)
        except Refused:
            self.deeds.refused[way] += 1
            raise
        self.deeds.let_in[way] += 1
        return client

    def is_over(self) -> bool:
        """Whether the attack's time is over. Loops ask it, since a cancellation may get lost in
        asyncio.wait_for (Python 3.11)."""
        return time.monotonic() >= self.cast.ends_s

    async def every_way(self, work: Callable[[str], Awaitable[None]]) -> None:
        """Do `work` in each way side by side, again and again. It ends with Refused or normally."""
        async with asyncio.TaskGroup() as group:
            for way in WAYS:
                group.create_task(self.again(work, way))

    async def again(self, work: Callable[[str], Awaitable[None]], way: str) -> None:
        """Do `work` in one way until the attack's time is over."""
        while not self.is_over():
            try:
                async with asyncio.timeout(max(0.0, self.cast.ends_s - time.monotonic())):
                    await work(way)
            except (Refused, TimeoutError):
                pass  # refused: that is counted where it happens
            await asyncio.sleep(PAUSE_S)

    async def stream(self, client: Client, write: Callable[[], Awaitable[None]]) -> None:
        """Call `write` until the time is over, and read what the broker sends meanwhile."""
        reading = asyncio.create_task(_drained(client))
        try:
            while not (reading.done() or self.is_over()):
                for _ in range(16):
                    await write()
                    self.deeds.acts += 1
                # A full buffer makes `write` wait; without one, the reader needs its turn.
                await asyncio.sleep(0)
        finally:
            reading.cancel()


async def _drained(client: Client) -> None:
    try:
        while True:
            await client.receive()
    except Refused:
        return
