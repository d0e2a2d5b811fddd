"""The only ways to a device's prompt: its button, or an unlock signed by who provisioned it.

No other byte on a line leads to the prompt (PROTOCOL.md, "The way to the prompt"). The line is
standard input and output: the USB port, or the UART at which a chip has its prompt.

    host    countersign-service?                 a line of text, between frames or anything else
    board   {"event": "service_challenge", "challenge": …, "device_id": …, "provisioner": …}
    host    countersign-service!<signature in hexadecimal>
    board   {"event": "service", …}              and a reset, after which the prompt is there

Whoever opens the door runs with all that the device holds. So `erase_on_service` erases the files
first, keys included.
"""

import os

from countersign.proofs import schnorr
from countersign.tagged import tagged_sha256
from countersign_agent.keys.entropy import EntropyError

# How long the button must be held while the agent runs. Noise on a pin must not open the door.
HOLD_MS = 1000
# At most one challenge, and so one verification, in this time.
CHALLENGE_EVERY_MS = 1000
# A challenge that waits longer is dead, so that nobody carries it away and has it signed later.
CHALLENGE_MS = 10000

_MARK = b"countersign-service"
_ASK = b"?"
_UNLOCK = b"!"
_UNLOCK_BYTES = 129
_ENOENT = 2
# It says that the next start shows the prompt. A reset loses what is in memory.
_WANTED = ".service"


class ServiceWanted(Exception):
    """Somebody who may have the prompt asked for it."""


class Door:
    """Watches the button and the line. `turn` raises ServiceWanted once the door is to open.

    path: the configuration file's. provisioner, device_id: 32 bytes each; without both, a challenge
    is null and only the button counts. is_held: callable -> whether the button is held, or None
    without a button. random: callable -> 32 bytes. clock: now_ms(). report: callable(event,
    **fields). read: callable -> bytes from standard input, or None if nobody reads there.
    """

    def __init__(self, path, provisioner, device_id, is_held, random, clock, report, read=None):
        self._path = path
        self._provisioner = provisioner
        self._device_id = device_id
        self._is_held = is_held
        self._random = random
        self._clock = clock
        self._report = report
        self._read = read
        self._tail = b""
        self._challenge = None
        self._challenged_ms = None
        self._held_since_ms = None
        self.is_line_taken = False
        """Whether a transport has the line, and calls `hear` with what it reads."""

    def is_held(self) -> bool:
        return self._is_held is not None and bool(self._is_held())

    def turn(self) -> None:
        """Look at the button, and at the line if no transport does. Call this at least each second.

        Raises ServiceWanted.
        """
        now_ms = self._clock.now_ms()
        if not self.is_held():
            self._held_since_ms = None
        elif self._held_since_ms is None:
            self._held_since_ms = now_ms
        elif now_ms - self._held_since_ms >= HOLD_MS:
            raise ServiceWanted
        if self._read is not None and not self.is_line_taken:
            self.hear(self._read())

    def hear(self, data: bytes) -> None:
        """Take bytes of the line, whatever else they are. Raises ServiceWanted."""
        text = self._tail + data
        while True:
            at = text.find(_MARK)
            if at < 0:
                self._tail = text[-len(_MARK) + 1 :]
                return
            asked = text[at + len(_MARK) :]
            size = _UNLOCK_BYTES if asked[:1] == _UNLOCK else 1
            if len(asked) < size:
                self._tail = text[at:]
                return
            text = asked[size:] if asked[:1] in (_ASK, _UNLOCK) else asked
            if asked[:1] == _ASK:
                self._challenged()
            elif asked[:1] == _UNLOCK:
                self._unlocked(asked[1:size])

    def open(self) -> None:
        """Make the next start show the prompt. OSError if the board cannot remember that."""
        with open(self._path + _WANTED, "w"):
            pass

    def is_open(self) -> bool:
        """Whether this start is to show the prompt: the button is held, or `open` was called."""
        try:
            os.remove(self._path + _WANTED)
        except OSError as error:
            if error.errno != _ENOENT:
                raise
            return self.is_held()
        return True

    def _challenged(self):
        now_ms = self._clock.now_ms()
        since_ms = self._challenged_ms
        if since_ms is not None and now_ms - since_ms < CHALLENGE_EVERY_MS:
            return
        self._challenged_ms = now_ms
        if self._provisioner is not None and self._device_id is not None:
            try:
                self._challenge = self._random()
            except EntropyError as error:
                self._report("service_refused", why=str(error))
        self._report(
            "service_challenge",
            challenge=self._challenge,
            device_id=self._device_id,
            provisioner=self._provisioner,
        )

    def _unlocked(self, text):
        challenge, self._challenge = self._challenge, None
        if challenge is None or self._clock.now_ms() - self._challenged_ms > CHALLENGE_MS:
            return
        try:
            signature = bytes.fromhex(text.decode())
        except (ValueError, UnicodeError):
            return
        if schnorr.verify(self._provisioner, unlock_digest(challenge, self._device_id), signature):
            raise ServiceWanted


def unlock_digest(challenge: bytes, device_id: bytes) -> bytes:
    """What the provisioner signs to unlock this device (32 bytes each) once."""
    return tagged_sha256("countersign/ServiceUnlock/1", challenge, device_id)
