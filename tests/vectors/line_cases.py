"""frames.json: COBS, frames of a line and noise, made from PROTOCOL.md, section 11, alone."""

import binascii
from typing import Any

from support.differential.oracles import cbor_encode, sha256
from vectors.exchange import DEVICE_ID, enveloped, payloads


def stuffed(content: bytes) -> bytes:
    """COBS, from its definition: cut at zeros, and every 254 bytes."""
    out = bytearray()
    for piece in content.split(b"\x00"):
        while len(piece) >= 254:
            out += b"\xff" + piece[:254]
            piece = piece[254:]
        out += bytes([len(piece) + 1]) + piece
    return bytes(out)


def frame(kind: int, session: int, sequence: int, behind: int, body: bytes = b"") -> bytes:
    content = bytes([kind]) + session.to_bytes(4, "big") + sequence.to_bytes(6, "big")
    content += bytes([behind]) + body
    return b"\x00" + stuffed(content + binascii.crc32(content).to_bytes(4, "big")) + b"\x00"


def frames() -> list[dict[str, Any]]:
    by_type = {type: enveloped(type, cbor_encode(items)) for type, _, items in payloads()}
    contents = [
        b"", b"\x00", b"\x00\x00", b"\x01", b"\x01\x00", b"\x00\x01", b"\x01" * 253, b"\x01" * 254,
        b"\x01" * 255, b"\x01" * 254 + b"\x00", b"\x01" * 508, b"\x00" * 255,
    ]  # fmt: skip
    device = [
        (1, "ACK", 7, 3, 0, b"", b""),
        (2, "PING", 7, 1, 0, b"", b""),
        (3, "PONG", 7, 1, 0, b"", b""),
        (16, "LISTEN", 9, 0, 0, DEVICE_ID, b""),
        (17, "EnrolRequest", 9, 1, 1, DEVICE_ID, by_type[10]),
        (17, "EnrolProof", 9, 2, 0, DEVICE_ID, by_type[12]),
        (18, "Evidence", 9, 3, 1, DEVICE_ID, by_type[20]),
        (32, "EnrolChallenge", 7, 0, 0, DEVICE_ID, by_type[11]),
        (33, "AttestationResult", 7, 1, 0, DEVICE_ID, by_type[21]),
        (34, "Receipt", 7, 2, 1, DEVICE_ID, by_type[22]),
        (35, "Error", 7, 3, 2, DEVICE_ID, by_type[255]),
        (36, "Beacon", 2**32 - 1, 2**48 - 1, 3, b"", by_type[43]),
    ]
    good = frame(18, 9, 3, 1, DEVICE_ID + by_type[20])
    crc_wrong = good[:-3] + bytes([good[-3] % 255 + 1]) + good[-2:]
    noise = [
        ("a wrong checksum", crc_wrong),
        ("a kind that is not in the table", frame(99, 9, 3, 1, DEVICE_ID + b"x")),
        ("an ACK with a body", frame(1, 7, 3, 0, b"x")),
        ("LISTEN with 31 bytes", frame(16, 9, 0, 0, DEVICE_ID[:31])),
        ("a message without its byte", frame(18, 9, 3, 1, DEVICE_ID)),
        ("a message of 2,049 bytes to a device", frame(33, 9, 3, 1, DEVICE_ID + b"\x01" * 2049)),
        ("a run beyond the end", b"\x00\x09abc\x00"),
        ("too short for a frame", b"\x00" + stuffed(b"\x01" * 15) + b"\x00"),
        ("text of a log", b"\x00MPY: soft reboot\r\n\x00"),
        ("a frame that is cut in two by a zero", good[:40] + b"\x00" + good[40:]),
    ]
    found: list[dict[str, Any]] = [
        {"content": one.hex(), "stuffed": stuffed(one).hex()} for one in contents
    ]
    for kind, what, session, sequence, behind, device_id, payload in device:
        found.append(
            {
                "what": what,
                "kind": kind,
                "session": session,
                "sequence": sequence,
                "behind": behind,
                "device_id": device_id.hex(),
                "payload": payload.hex(),
                "line": frame(kind, session, sequence, behind, device_id + payload).hex(),
            }
        )
    # A run of 254 at the very end: a receiver also takes the form without the last 01.
    for one in (b"\x01" * 254, b"\x01" * 508, b"\x00" + b"\x01" * 254):
        found.append({"content": one.hex(), "also_taken": stuffed(one)[:-1].hex()})
    found += [large(2048, True), large(2049, True), large(16384, True), large(16385, False)]
    return found + [{"what": what, "noise": line.hex()} for what, line in noise]


def large(size: int, is_frame: bool) -> dict[str, Any]:
    """A large message to a gateway. Its bytes would fill the file, so it is described."""
    return {
        "what": f"a message of {size:,} bytes to a gateway",
        "large": size,
        "byte": 1,
        "kind": 18,
        "session": 9,
        "sequence": 3,
        "behind": 1,
        "device_id": DEVICE_ID.hex(),
        "line_sha256": sha256(frame(18, 9, 3, 1, DEVICE_ID + b"\x01" * size)).hex(),
        "is_frame": is_frame,
        "answer": "OVERSIZED" if is_frame and size > 2048 else None,
    }
