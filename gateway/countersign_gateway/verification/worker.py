"""A process that reads evidence and checks signatures, and does nothing else.

    python -m countersign_gateway.verification.worker

The process reads batches from standard input, and writes one answer for each message of a batch to
standard output, in order. It holds no secret and opens no file or socket. It ends when its input
ends, which is when the gateway ends. read_ahead.py is its only user.

    batch    [(device_id, public_key, payload), …]
    answers  [(genuine, claims) | None, …]    None: not evidence, or malformed

Each is preceded by its length (4 bytes, little-endian) and encoded by `marshal`, which is the
fastest encoder. It is safe here: both ends are this program in the same interpreter.
"""

from __future__ import annotations

import marshal
import signal
import sys
from typing import Any, BinaryIO

from countersign import messages
from countersign_gateway.verification import codec
from countersign_gateway.verification.public_keys import PublicKeys

Question = tuple[bytes, bytes, bytes]
Answer = tuple[bool, dict[str, Any]] | None


def write(stream: BinaryIO, value: Any) -> None:
    """Send one batch, or the answers to one. OSError if the other end has closed."""
    data = marshal.dumps(value)
    stream.write(len(data).to_bytes(4, "little") + data)
    stream.flush()


def read(stream: BinaryIO) -> Any:
    """Receive one batch, or the answers to one. EOFError if the other end has closed."""
    length = stream.read(4)
    data = stream.read(int.from_bytes(length, "little"))
    if len(length) < 4 or len(data) < int.from_bytes(length, "little"):
        raise EOFError
    return marshal.loads(data)  # noqa: S302 - our own program, see above


def examine(device_id: bytes, public_key: bytes, payload: bytes, public_keys: PublicKeys) -> Answer:
    """device_id, public_key: the topic's device and its key. A message that names another device is
    refused for that, so its signature is not worth checking."""
    message = codec.plain_message(payload)
    if message is None or message.type != messages.EVIDENCE:
        return None
    genuine = message.fields["device_id"] == device_id and public_keys.verify(
        public_key, message.signing_digest(), message.signature
    )
    return genuine, message.fields


def serve(batches: BinaryIO, answers: BinaryIO) -> None:
    """Answer every batch until there are no more."""
    public_keys = PublicKeys()
    while True:
        try:
            batch = read(batches)
        except EOFError:
            return
        found = [
            examine(device_id, public_key, payload, public_keys)
            for device_id, public_key, payload in batch
        ]
        write(answers, found)


if __name__ == "__main__":
    # The gateway handles a signal to the process group: it still needs this worker to finish.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    try:
        serve(sys.stdin.buffer, sys.stdout.buffer)
    except BrokenPipeError:
        sys.stderr.close()  # the gateway was killed, so nobody reads the answers
