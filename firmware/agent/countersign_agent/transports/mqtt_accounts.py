"""The transport over a site's own accounts: the device's, and the lobby's until the site knows it.

    own account ──refused──▶ lobby: enrol ──admitted──▶ own account

The gateway makes a device's account when it comes to know the device, and ends it when it revokes
the device. A device that was just admitted gives the gateway a few tries' time.
"""

from countersign_agent.transports.mqtt_codec import NotAdmitted
from countersign_agent.transports.transport import TransportError

TRIES = 4  # with the own account, after the gateway admitted the device


class MqttAccounts:
    """Keeps the contract of transport.py. open_own, open_lobby: make an MqttTransport."""

    def __init__(self, open_own, open_lobby):
        self._open = (open_own, open_lobby)
        self._in_lobby = False
        self._moves = False
        self._tries = 1
        self._transport = open_own()

    def connect(self) -> bool:
        if self._moves:
            self._move()
        try:
            self._transport.connect()
        except NotAdmitted as refused:
            self._tries -= 1
            self._moves = self._tries <= 0
            # Both accounts make one try. A pause between them would outlast a short window.
            refused.at_once = self._moves and not self._in_lobby
            raise
        return self._in_lobby

    def admitted(self) -> None:
        if self._in_lobby:
            self._moves = True
            self._tries = TRIES

    def send(self, kind, payload: bytes) -> None:
        self._stay()
        self._transport.send(kind, payload)

    def receive(self, timeout_ms: int) -> tuple:
        self._stay()
        return self._transport.receive(timeout_ms)

    def ask_beacon(self) -> None:
        self._stay()
        self._transport.ask_beacon()

    def leave(self) -> None:
        self._transport.leave()

    def close(self) -> None:
        self._transport.close()

    def _stay(self):
        if self._moves:
            raise TransportError("the device changes to its own account")

    def _move(self):
        self._in_lobby = not self._in_lobby
        self._moves = False
        self._tries = max(self._tries, 1)
        self._transport = self._open[self._in_lobby]()
