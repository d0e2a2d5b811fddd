"""Serial lines for tests: a far end that speaks the protocol, and a cable that can be pulled.

A gateway connects to a socket (`socket://`) or opens a pty; this file has the other side of both.
"""

from __future__ import annotations

import os
import random
import select
import socket
import termios
import threading
import time
import tty

from countersign import messages
from countersign.carriers import framing
from countersign.carriers.link import Link
from countersign_workshop.simulation.simulated_device import SimulatedDevice
from support.gateway.running_site import PATIENCE_S, reason_of

_FRAMES = {kind.name: number for number, kind in framing.KINDS.items()}


def section(url: str, baud: int = 1_000_000) -> str:
    """The section of one serial line in gateway.toml."""
    return f'[[ingress.serial]]\nurl = "{url}"\nbaud = {baud}\n'


class FarEnd:
    """The devices' side of a line. It serves any number of simulated devices, as a hub does.

    cut_at: the connection closes after so many further bytes, in mid-frame; None for never.
    """

    def __init__(self, session: int = 1) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._address = self._listener.getsockname()
        self.url = f"socket://127.0.0.1:{self._address[1]}"
        self.link = Link(session, framing.FROM_GATEWAYS, 1_000_000, 100_000)
        self._connection: socket.socket | None = None
        self.connections = 0
        self.cut_at: int | None = None
        self.received: list[tuple[str, bytes, bytes]] = []  # (kind, device_id, payload)
        self.beacon = b""

    def close(self) -> None:
        self._hang_up()
        self._listener.close()

    def listen_again(self) -> None:
        """Listen again at the same address, after `close`."""
        self._listener = socket.create_server(self._address)

    def send(self, device: SimulatedDevice, payload: bytes, kind: str = "evidence") -> None:
        assert self.link.send(_FRAMES[kind], device.device_id, payload)

    def listen(self, device: SimulatedDevice) -> None:
        assert self.link.send(framing.LISTEN, device.device_id, b"")

    def wait_for_beacon(self, device: SimulatedDevice) -> bytes:
        self.listen(device)
        self.run_until(lambda: self.beacon != b"")
        return self.beacon

    def answer_to(self, payload: bytes) -> str:
        """The name of the reason in the gateway's answer to a message, or "CHALLENGE"."""
        subject = messages.digest(payload)
        found: list[bytes] = []

        def came() -> bool:
            for _, _, answer in self.received:
                if messages.open_message(answer).fields.get("subject") == subject:
                    found.append(answer)
            return bool(found)

        self.run_until(came)
        return reason_of(found[0])

    def enrol(self, device: SimulatedDevice) -> str:
        self.send(device, device.request(), "enrol")
        self.run_until(lambda: any(k == "challenge" for k, _, _ in self.of(device)))
        challenge = next(payload for kind, _, payload in self.of(device) if kind == "challenge")
        proof = device.proof(challenge)
        self.send(device, proof, "enrol")
        return self.answer_to(proof)

    def check_in(self, device: SimulatedDevice) -> str:
        payload = device.evidence(self.beacon or self.wait_for_beacon(device))
        self.send(device, payload)
        return self.answer_to(payload)

    def of(self, device: SimulatedDevice) -> list[tuple[str, bytes, bytes]]:
        return [one for one in self.received if one[1] == device.device_id]

    def run_until(self, holds, what: str = "nothing came") -> None:
        deadline_s = time.monotonic() + PATIENCE_S
        while not holds():
            assert time.monotonic() < deadline_s, what
            self.turn()

    def turn(self) -> None:
        """Carry due frames both ways. It waits for a moment if there are none."""
        try:
            if self._connection is None:
                ready, _, _ = select.select([self._listener], [], [], 0.5)
                if not ready:
                    return
                self._connection = self._listener.accept()[0]
                self.connections += 1
                self.link.reconnected(_now_ms())
                self.link.ping()  # a gateway sends only on a line on which it has heard a frame
            while data := self.link.next_frame(_now_ms()):
                if self._written(data):
                    return
            ready, _, _ = select.select([self._connection], [], [], 0.02)
            if ready:
                data = self._connection.recv(4096)
                if not data:
                    raise ConnectionError
                self.link.receive(data, _now_ms())
        except OSError:
            self._hang_up()
        while (delivery := self.link.take()) is not None:
            kind = framing.KINDS[delivery.kind].name
            if kind == "beacon":
                self.beacon = messages.open_message(delivery.payload).fields["beacon"]
            else:
                self.received.append((kind, delivery.device_id, delivery.payload))
            self.link.acknowledge(delivery)

    def write_raw(self, data: bytes) -> None:
        """Write bytes that are no frames."""
        while self._connection is None:
            self.turn()
        self._connection.sendall(data)

    def _written(self, data: bytes) -> bool:
        """Write the bytes, or those before the cut. Returns whether the line was cut."""
        assert self._connection is not None
        if self.cut_at is not None and len(data) >= self.cut_at:
            self._connection.sendall(data[: self.cut_at])
            self.cut_at = None
            self._hang_up()
            return True
        if self.cut_at is not None:
            self.cut_at -= len(data)
        self._connection.sendall(data)
        return False

    def _hang_up(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class Cable:
    """Two ptys joined: `gateway_path` for the gateway, `device_path` for a device.

    While `pulled` is true, bytes are lost, from the middle of a piece on, and neither side notices.
    `damage`: the probability that one bit of a piece is flipped.
    """

    def __init__(self, seed: int = 1) -> None:
        self._ends = [_raw_pty(), _raw_pty()]
        self.gateway_path, self.device_path = (os.ttyname(slave) for _, slave in self._ends)
        self.pulled = False
        self.damage = 0.0
        self.lost_bytes = 0
        self.seen_from_device = bytearray()
        self._chance = random.Random(seed)  # test data, no secret
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def __enter__(self) -> Cable:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        for end in self._ends:
            for descriptor in end:
                os.close(descriptor)

    def type_in(self, keys: bytes) -> None:
        """Send keys to the device, as a person at its terminal does."""
        os.write(self._ends[1][0], keys)

    def _run(self) -> None:
        one, other = self._ends[0][0], self._ends[1][0]
        onward = {one: other, other: one}
        while not self._stop.is_set():
            for source in select.select([one, other], [], [], 0.05)[0]:
                data = bytearray(os.read(source, 256))
                if source == other:
                    self.seen_from_device += data
                if self.pulled:
                    kept = 0 if self.lost_bytes else self._chance.randrange(len(data))
                    self.lost_bytes += len(data) - kept
                    os.write(onward[source], data[:kept])
                    continue
                if self._chance.random() < self.damage:
                    data[self._chance.randrange(len(data))] ^= 1 << self._chance.randrange(8)
                os.write(onward[source], data)


def _raw_pty() -> tuple[int, int]:
    """(master, slave). The slave stays open here, so that the device may close and reopen it."""
    master, slave = os.openpty()
    tty.setraw(slave, termios.TCSANOW)
    return master, slave


def _now_ms() -> int:
    return time.monotonic_ns() // 1_000_000
