"""The password file and the access list of a broker, kept in step with whom the gateway knows."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from countersign_gateway.ingress.mqtt import broker_rules
from countersign_gateway.ingress.mqtt.account_book import AccountBook
from countersign_gateway.ingress.mqtt.broker_rules import BrokerFiles
from countersign_gateway.ingress.mqtt.private_file import replace_private
from countersign_gateway.ingress.mqtt.taken_out import TakenOut

MIN_REWRITE_S = 0.25
# What a broker of another user reads: the folder's group is the broker's.
SHARED_MODE = 0o640


@dataclass(frozen=True, slots=True)
class Roster:
    """Who may have an account. mark: changes when `devices` would. devices: id → public key.

    strangers: whether devices that the gateway does not know may ask to be enrolled.
    """

    mark: Callable[[], Hashable]
    devices: Callable[[], Mapping[bytes, bytes]]
    strangers: Callable[[], bool]


class AccountFiles:
    """`write_rules` and `write` once, then `tick` a few times a second; `take_out` on any thread.

    more: lines of accounts that are no device's, the gateway's own among them.
    """

    def __init__(
        self,
        files: BrokerFiles,
        site: str,
        book: AccountBook,
        roster: Roster,
        more: Sequence[str],
        mode: int = 0o600,
    ) -> None:
        self._files = files
        self._site = site
        self._book = book
        self._roster = roster
        self._more = more
        self._mode = mode
        self._mark: Hashable = None
        self._written_s = 0.0
        self._lock = threading.Lock()
        self._lines: list[str] = []
        self._taken_out = TakenOut()
        self._out: frozenset[str] = frozenset()
        self.devices = 0

    @classmethod
    def for_another_broker(
        cls, folder: Path, site: str, book: AccountBook, roster: Roster, line: str
    ) -> AccountFiles:
        """Files for a broker that runs elsewhere. line: the gateway's account there."""
        return cls(BrokerFiles(folder), site, book, roster, [line], SHARED_MODE)

    def write_rules(self, gateway: str, watcher: str | None = None) -> None:
        """Write the access list. gateway, watcher: the names of these two accounts."""
        rules = broker_rules.access_list(self._site, gateway, watcher)
        replace_private(self._files.access, [rules], self._mode)

    def write_gateway(self, more: Sequence[str], gateway: str, watcher: str) -> None:
        """Put another account of the gateway in place of the present one."""
        self.write_rules(gateway, watcher)
        with self._lock:
            self._more = more
            self._put(time.monotonic())

    def write(self) -> None:
        """Write the password file as it should be now."""
        mark = self._wanted()
        devices = self._roster.devices()
        lines = list(self._book.lines(devices, self._roster.strangers()))
        with self._lock:
            self._lines = lines
            self._put(time.monotonic())
        self.devices = len(devices)
        # Only now: a change that could not be written is tried again.
        self._mark = mark

    def take_out(self, account: str, now_s: float) -> float | None:
        """Take it out of the password file for a time: for how many seconds.

        None, and nothing is done, if it is not in there. now_s: monotonic seconds.
        """
        with self._lock:
            if account in self._out or not any(_name(line) == account for line in self._lines):
                return None
            duration_s = self._taken_out.add(account, now_s)
            self._put(now_s)
            return duration_s

    def _put(self, now_s: float) -> None:
        self._out = self._taken_out.names(now_s)
        lines = [line for line in self._lines if not self._out or _name(line) not in self._out]
        replace_private(self._files.passwords, [*self._more, *lines], self._mode)

    def tick(self, now_s: float) -> bool:
        """Write it anew if it changed, and whether it did. now_s: monotonic seconds."""
        if now_s - self._written_s < MIN_REWRITE_S:
            return False
        with self._lock:
            over = self._out != self._taken_out.names(time.monotonic())
        if self._wanted() == self._mark and not over:
            return False
        self._written_s = now_s
        self.write()
        return True

    def _wanted(self) -> Hashable:
        return (self._roster.mark(), self._roster.strangers())


def _name(line: str) -> str:
    return line.partition(":")[0]
