"""A hostile board at the bench repeats another device's words, and gets no unlock for it."""

import json
import socket
import threading
import time

import pytest

from countersign.proofs import schnorr
from countersign_agent.service import Door, ServiceWanted
from countersign_cli.board_port import service_door
from countersign_cli.board_port.board_line import Line, SocketLine
from countersign_cli.board_port.raw_repl import RawRepl, ReplError

KEY = bytes([7] * 32)
VICTIM = bytes([8] * 32)
OTHER = bytes([9] * 32)


class Clock:
    ms = 0

    def now_ms(self) -> int:
        return self.ms


class Bench:
    """A victim's door elsewhere, and a board here that says what the victim said."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.said: list[dict[str, bytes]] = []
        self.victim = Door(
            "/nowhere",
            schnorr.public_key(KEY),
            VICTIM,
            None,
            lambda: bytes([1] * 32),
            self.clock,
            lambda _event, **fields: self.said.append(fields),
        )
        self.victim.hear(b"countersign-service?")
        self.unlocks: list[bytes] = []

    def words(self) -> bytes:
        fields = {name: value.hex() for name, value in self.said[0].items()}
        return b'{"event": "service_challenge", ' + json.dumps(fields)[1:].encode() + b"\n"

    def visit(self, words: bytes, device_id: bytes | None) -> tuple[str, list[str]]:
        """Take the board for this device: the host's fault, and what it asked a person for."""
        host, board = socket.socketpair()
        thread = threading.Thread(target=self._board, args=(board, words))
        thread.start()
        asked: list[str] = []
        keeper = service_door.Keeper(
            say=asked.append,
            key=KEY,
            device_id=None if device_id is None else device_id.hex(),
            person_s=0.2,
        )
        repl = RawRepl(SocketLine(host))
        try:
            with pytest.raises(ReplError) as fault:
                service_door.enter(repl, "the bench", keeper, no_port, 1.0)
        finally:
            repl.close()
            thread.join()
        return str(fault.value), asked

    def _board(self, board: socket.socket, words: bytes) -> None:
        heard = b""
        with board:
            while data := board.recv(4096):
                heard += data
                if b"countersign-service?" in heard:
                    heard = heard.replace(b"countersign-service?", b"")
                    board.sendall(words)
                if b"countersign-service!" in heard:
                    unlock = heard[heard.index(b"countersign-service!") :]
                    if len(unlock) >= 148:
                        self.unlocks.append(unlock[:148])
                        heard = b""


def no_port() -> Line:
    raise AssertionError("the port did not go")


@pytest.mark.parametrize("named", [None, OTHER])
def test_nothing_is_signed_for_a_device_that_the_line_named(named: bytes | None) -> None:
    bench = Bench()
    fault, asked = bench.visit(bench.words(), named)
    assert bench.unlocks == []
    assert "name the device: --device-id" in fault
    (sentence,) = asked
    assert "name the device: --device-id" in sentence


def test_a_relay_to_the_named_device_has_seconds() -> None:
    """What a relay in time can still do, and no later one: PROTOCOL.md says so."""
    for waited_ms, opens in ((10_000, True), (10_001, False)):
        bench = Bench()
        bench.visit(bench.words(), VICTIM)
        (unlock,) = bench.unlocks
        bench.clock.ms = waited_ms
        try:
            bench.victim.hear(unlock)
            opened = False
        except ServiceWanted:
            opened = True
        assert opened is opens


@pytest.mark.parametrize(
    "fields",
    [
        '"challenge": "00", "device_id": null}',
        '"challenge": "zz", "device_id": null}',
        '"challenge": 7, "device_id": null}',
        '"device_id": ["a"]}',
        "}",
        "",
    ],
)
def test_damaged_words_end_in_a_sentence(fields: str) -> None:
    bench = Bench()
    began = time.monotonic()
    bench.visit(b'{"event": "service_challenge", ' + fields.encode() + b"\n", VICTIM)
    assert bench.unlocks == []
    assert time.monotonic() - began < 10
