"""The way to the prompt of a board that runs our agent (PROTOCOL.md, "The way to the prompt").

No byte on its line interrupts such a board. It gives way to an unlock that is signed by the key
that provisioned it, and to its button.

An unlock is signed for the one device that a person or an own record named, and never for one that
the line named: a hostile board at the bench could repeat the words of another device.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from countersign.proofs import schnorr
from countersign_agent.service import unlock_digest
from countersign_cli.board_port.board_line import Line, PortError
from countersign_cli.board_port.raw_repl import PROMPT, BoardGone, RawRepl, ReplError

ASK = "countersign-service?"
UNLOCK = "countersign-service!"
SERVICE = b'{"event": "service"'
CHALLENGE = b'{"event": "service_challenge"'
UNREADABLE = b"countersign: the board's files cannot be read"
_ASK_AGAIN_S = 2.0
_REOPEN_S = 20.0
_POLL_S = 0.5

_CHALLENGE_BYTES = 32

BUTTON = "press BOOTSEL (BOOT on an ESP32) while the board runs, hold it for two seconds, let go"
NAMING = f"name the device: --device-id and the id that its report has, or {BUTTON}"


class DoorShut(ReplError):
    """The board runs our agent, and nobody opened its door. The text says what to do."""


class NotThisOne(ReplError):
    """The board runs our agent and is another one than is looked for. Its door was left alone."""


@dataclass(frozen=True)
class Keeper:
    """Who may open doors.

    say: asks a person for the button. let_in: called once the board gave way. key: the
    provisioner's secret (32 bytes), or None. device_id: of the only device for which the key signs,
    as a person or an own record named it (64 lower-case hexadecimal digits), or None. person_s: how
    long to wait for the person. spares: whether the device with this id is to be left alone.
    """

    say: Callable[[str], None] = print
    let_in: Callable[[], None] = lambda: None
    key: bytes | None = field(default=None, repr=False)
    device_id: str | None = None
    person_s: float = 120.0
    spares: Callable[[str], bool] = lambda _: False

    def holds(self, public_key: str | None) -> bool:
        """Whether its key is the other half of this public key, in hexadecimal."""
        return self.key is not None and schnorr.public_key(self.key).hex() == public_key


def enter(
    repl: RawRepl, port: str, keeper: Keeper, reopen: Callable[[], Line], answer_s: float
) -> None:
    """Enter a board's raw REPL, through the door if our agent runs there.

    reopen: opens the port once more, because a board with its own USB takes it away while it
    restarts. answer_s: how long to wait for the board. Raises DoorShut, NotThisOne, or
    ReplError if nothing answers.
    """
    challenge = _asked(repl, answer_s)
    if challenge is not None:
        if keeper.spares(challenge.get("device_id") or ""):
            raise NotThisOne(f"the board at {port} is another one")
        what_to_do = BUTTON
        key, named = keeper.key, keeper.device_id
        if key is None or not keeper.holds(challenge.get("provisioner")):
            named = None
        elif named is None or named != challenge.get("device_id"):
            named, what_to_do = None, NAMING
        if key is not None and named is not None:
            _unlock(repl, key, bytes.fromhex(challenge["challenge"] or ""), bytes.fromhex(named))
            passed = _opened(repl, answer_s)
        else:
            keeper.say(f"{port}: {what_to_do}")
            passed = _opened(repl, keeper.person_s)
        if passed is None:
            raise DoorShut(f"the device at {port} did not open its prompt: {what_to_do}")
        keeper.let_in()
        if passed != PROMPT:
            _follow(repl, reopen)
    repl.enter(answer_s)


def _asked(repl: RawRepl, answer_s: float) -> dict[str, str | None] | None:
    """What an agent of ours says when it is asked; None at a prompt. ReplError from neither."""
    deadline = time.monotonic() + answer_s
    while True:
        repl.interrupt()
        repl.speak(ASK)
        try:
            mark, rest = repl.listen((PROMPT, CHALLENGE, UNREADABLE), _ASK_AGAIN_S)
            if mark == CHALLENGE:
                return _read(rest)
            return None if mark == PROMPT else {}
        except BoardGone:
            raise
        except ValueError:  # the line was damaged: ask again
            if time.monotonic() > deadline:
                raise ReplError("the board's words cannot be read") from None
        except ReplError:
            if time.monotonic() > deadline:
                raise


def _read(rest: bytes) -> dict[str, str | None]:
    """The fields of a challenge. ValueError if they are not as an agent of ours writes them."""
    fields = dict(json.loads(b"{" + rest.strip().removeprefix(b", ")))
    texts = {name: fields.get(name) for name in ("challenge", "device_id", "provisioner")}
    if not all(text is None or isinstance(text, str) for text in texts.values()):
        raise ValueError("not a text")
    challenge = texts["challenge"]
    if challenge is not None and len(bytes.fromhex(challenge)) != _CHALLENGE_BYTES:
        raise ValueError("not a challenge")
    return texts


def _unlock(repl: RawRepl, key: bytes, challenge: bytes, device_id: bytes) -> None:
    statement = unlock_digest(challenge, device_id)
    repl.speak(UNLOCK + schnorr.sign(key, statement, secrets.token_bytes(32)).hex())


def _opened(repl: RawRepl, timeout_s: float) -> bytes | None:
    """The mark by which the board let us in: its last line, its prompt, or the end of its port."""
    try:
        return repl.listen((SERVICE, PROMPT), timeout_s)[0]
    except BoardGone:
        return b""
    except ReplError:
        return None


def _follow(repl: RawRepl, reopen: Callable[[], Line]) -> None:
    """Stay with a board that restarts. Its port may go for a moment."""
    deadline = time.monotonic() + _REOPEN_S
    try:
        repl.listen((PROMPT,), _REOPEN_S)
        return
    except BoardGone:
        pass
    except ReplError:
        return
    while True:
        try:
            repl.reconnect(reopen())
            return
        except PortError:
            if time.monotonic() > deadline:
                raise
            time.sleep(_POLL_S)
