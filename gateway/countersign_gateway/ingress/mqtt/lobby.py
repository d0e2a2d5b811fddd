"""Strangers: devices that the site does not know yet speak through shared accounts (the lobby).

Their topic names no device, so the message itself does. The answers to such a message go to the
lobby as well as to the device's own topic: a stranger that names somebody else's device cannot draw
that device's answers to itself.
"""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Callable

from countersign import accounts
from countersign.carriers import kinds, topics
from countersign_gateway.model import Reply

MAX_ROUTES = 1024
ANSWERS = frozenset({kinds.CHALLENGE.name, kinds.RESULT.name, kinds.ERROR.name})


# The device that a message names, or None. It never takes longer than a scan of the message.
NamedDevice = Callable[[bytes], bytes | None]


class Lobby:
    """Who asked through the lobby. Safe from any thread."""

    def __init__(self, site: str, named_device: NamedDevice) -> None:
        self._site = site
        self._named_device = named_device
        self._uplink = re.compile(
            f"{topics.ROOT}{site}/({accounts.LOBBY}[0-9]{{2}})/{kinds.ENROL.path}".encode()
        )
        self._routes: OrderedDict[bytes, str] = OrderedDict()
        self._lock = threading.Lock()

    def account_of(self, topic: bytes) -> str | None:
        """The account whose topic for enrolment this is."""
        found = self._uplink.fullmatch(topic)
        return None if found is None else found[1].decode()

    def sender(self, account: str, payload: bytes) -> bytes | None:
        """The device that a message names, if its place is in this account; else None."""
        device_id = self._named_device(payload)
        if device_id is None or accounts.lobby_username(device_id) != account:
            return None
        with self._lock:
            self._routes[device_id] = account
            self._routes.move_to_end(device_id)
            if len(self._routes) > MAX_ROUTES:
                self._routes.popitem(last=False)
        return device_id

    def left(self, device_id: bytes) -> None:
        """The device was heard on its own account."""
        if self._routes:
            with self._lock:
                self._routes.pop(device_id, None)

    def topic(self, reply: Reply) -> bytes | None:
        """Where a reply goes too, if its device asked through the lobby."""
        if not self._routes or reply.kind not in ANSWERS:
            return None
        with self._lock:
            account = self._routes.get(reply.device_id)
        if account is None:
            return None
        return topics.of_account(self._site, account, f"{kinds.DOWN}/{reply.kind}").encode()
