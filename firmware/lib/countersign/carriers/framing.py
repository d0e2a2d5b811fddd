"""Frames on a byte line: where a frame begins and ends, and whether it arrived undamaged.

    line     … 00 stuffed 00 00 stuffed 00 …
    stuffed  COBS (Cheshire and Baker 1999) of the content: it holds no zero byte
    content  kind (1) ‖ session (4) ‖ sequence (6) ‖ behind (1) ‖ body ‖ crc (4)
    body     nothing (ACK, PING, PONG) | device_id (32) (LISTEN)
             | device_id (32) ‖ message (1 to 2048) | message alone (BEACON)

Numbers are big-endian. crc is CRC-32 (ISO 3309, as in zlib) of everything before it. A zero byte
stands on both sides of every frame, so damage before a frame does not spoil that frame. A reader
skips text between frames, such as a log on the same USB line, as noise.

The CRC detects damage and nothing else: an attacker on the line can make frames. A receiver
believes a message only for its signature. link.py explains sequence, behind and session. Decision
0013 says why COBS. This module needs no clock and holds one frame at most. A reader can be told to
take longer messages than any is, so that its user can refuse them; a longer frame still is noise.
"""

import binascii

from countersign.carriers import kinds
from countersign.suites import MAX_MESSAGE_BYTES

DEVICE_ID_BYTES = 32

ACK = 1
PING = 2
PONG = 3
LISTEN = 16

# The kinds of messages by their frame number.
KINDS = {kind.frame: kind for kind in kinds.ALL}
FROM_DEVICES = [LISTEN] + [kind.frame for kind in kinds.ALL if kind.direction == kinds.UP]
FROM_GATEWAYS = [kind.frame for kind in kinds.ALL if kind.direction != kinds.UP]

SESSION_MAX = (1 << 32) - 1
SEQUENCE_MAX = (1 << 48) - 1

_HEADER_BYTES = 12
_CRC_BYTES = 4


def most_stuffed(most_message: int) -> int:
    """The most bytes between the delimiters of a frame with a message of at most so many."""
    content = _HEADER_BYTES + DEVICE_ID_BYTES + most_message + _CRC_BYTES
    return content + content // 254 + 1


MAX_STUFFED_BYTES = most_stuffed(MAX_MESSAGE_BYTES)


class Frame:
    """A frame's content. kind: its number. device_id and payload are b"" if it has none."""

    def __init__(self, kind, session, sequence, behind=0, device_id=b"", payload=b""):
        self.kind = kind
        self.session = session
        self.sequence = sequence
        self.behind = behind
        self.device_id = device_id
        self.payload = payload


def encode(frame: Frame) -> bytes:
    """The bytes for the line, with both delimiters. ValueError if a kind cannot carry the body."""
    body = check_body(frame.kind, frame.device_id, frame.payload)
    content = bytes([frame.kind]) + frame.session.to_bytes(4, "big")
    content += frame.sequence.to_bytes(6, "big") + bytes([frame.behind]) + body
    content += binascii.crc32(content).to_bytes(4, "big")
    return b"\x00" + _stuff(content) + b"\x00"


def check_body(kind: int, device_id: bytes, payload: bytes) -> bytes:
    """The body of a frame. ValueError if a kind cannot carry it."""
    body = device_id + payload
    if _split(kind, body, MAX_MESSAGE_BYTES) != (device_id, payload):
        raise ValueError("a frame of this kind does not carry that")
    return body


class FrameReader:
    """Takes a line's bytes in any pieces. `damaged` counts the stretches that were no frame.

    most_message: the longest message of a frame; what is longer is damage.
    """

    def __init__(self, most_message: int = MAX_MESSAGE_BYTES):
        self.damaged = 0
        self._most_message = most_message
        self._most_stuffed = most_stuffed(most_message)
        self.forget()

    def forget(self) -> None:
        """Drop the frame that is being read: the line was opened anew."""
        self._stuffed = bytearray()
        self._overlong = False

    def feed(self, data: bytes) -> list:
        """The frames that end in `data`, in order."""
        frames = []
        pieces = data.split(b"\x00")
        last = pieces.pop()
        for piece in pieces:
            self._add(piece)
            self._end(frames)
        self._add(last)
        return frames

    def _add(self, piece):
        if len(self._stuffed) + len(piece) > self._most_stuffed:
            # No frame is this long, so the reader drops all bytes until the next delimiter.
            self._overlong = True
            self._stuffed = bytearray()
        elif not self._overlong:
            self._stuffed += piece

    def _end(self, frames):
        stuffed, self._stuffed = self._stuffed, bytearray()
        overlong, self._overlong = self._overlong, False
        if not stuffed and not overlong:
            return  # two delimiters in a row enclose nothing
        frame = None if overlong else _read(stuffed, self._most_message)
        if frame is None:
            self.damaged += 1
        else:
            frames.append(frame)


def _read(stuffed, most_message):
    content = _unstuff(stuffed)
    if content is None or len(content) < _HEADER_BYTES + _CRC_BYTES:
        return None
    end = len(content) - _CRC_BYTES
    if binascii.crc32(content[:end]) != int.from_bytes(content[end:], "big"):
        return None
    parts = _split(content[0], content[_HEADER_BYTES:end], most_message)
    if parts is None:
        return None
    session = int.from_bytes(content[1:5], "big")
    sequence = int.from_bytes(content[5:11], "big")
    return Frame(content[0], session, sequence, content[11], parts[0], parts[1])


def _split(kind, body, most_message):
    """(device_id, payload) of a body, or None if a frame of this kind has no such body."""
    if kind in (ACK, PING, PONG):
        return None if body else (b"", b"")
    if kind == LISTEN:
        return (body, b"") if len(body) == DEVICE_ID_BYTES else None
    carried = KINDS.get(kind)
    if carried is None:
        return None
    start = 0 if carried.direction == kinds.SITE else DEVICE_ID_BYTES
    if not start < len(body) <= start + most_message:
        return None
    return body[:start], body[start:]


def _stuff(content):
    """COBS: each run without a zero, preceded by its length + 1; 255 stands for 254 and no zero."""
    stuffed = bytearray()
    start = 0
    # A list of all runs would need 16 KiB in one piece of a small heap if most bytes are zero.
    while start <= len(content):
        end = content.find(b"\x00", start)
        if end < 0:
            end = len(content)
        while end - start >= 254:
            stuffed.append(255)
            stuffed += content[start : start + 254]
            start += 254
        stuffed.append(end - start + 1)
        stuffed += content[start:end]
        start = end + 1
    return bytes(stuffed)


def _unstuff(stuffed):
    """The content, or None if a run goes beyond the end."""
    content = bytearray()
    size = len(stuffed)
    position = 0
    while position < size:
        code = stuffed[position]
        end = position + code
        if end > size:
            return None
        content += stuffed[position + 1 : end]
        position = end
        if code != 255 and position < size:
            content.append(0)
    return bytes(content)
