"""`countersign inspect`: what does this captured message say?

Takes hexadecimal, a file (raw or hexadecimal) or standard input, and prints one line a field.
A message that is refused is shown too: with its reason, and as plain CBOR as far as that goes.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from countersign import cbor, identity, messages, reasons
from countersign.proofs import curve, schnorr
from countersign_gateway.operations.plain_text import printable

# A larger capture is no message, and reading on would only fill the memory.
MAX_INPUT_BYTES = 64 * 1024

_CHOICES = {
    "environment": {1: "hardware", 2: "emulated"},
    "mode": dict(enumerate(messages.MODE_NAMES)),
    "suite": {identity.SUITE_SECP256K1: "secp256k1"},
    "device_class": {
        identity.CLASS_STANDARD: "standard",
        identity.CLASS_LIFE_CRITICAL: "life-critical",
    },
    "reason": reasons.NAMES,
}


def register(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("message", help="hexadecimal, the path of a file, or - for standard input")
    parser.add_argument(
        "--public-key",
        metavar="HEX",
        help="x-only key (64 hexadecimal digits) to check the signature with",
    )


def run(arguments: argparse.Namespace) -> int:
    """Exit status 0: a well-formed message; 1: refused, or its signature is wrong; 2: no input."""
    try:
        data = read_input(arguments.message)
        key = read_key(arguments.public_key) if arguments.public_key is not None else None
    except (OSError, ValueError) as error:
        print(f"countersign inspect: {error}", file=sys.stderr)
        return 2
    lines, status = describe(data, key)
    print("\n".join(lines))
    return status


def read_key(text: str) -> bytes:
    """The 32 bytes of an x-only public key. ValueError, in a sentence, if it is none."""
    key = _from_hex(text.encode())
    if key is None or len(key) != 32:
        raise ValueError("a public key is 64 hexadecimal digits")
    if curve.lift_x(key) is None:
        raise ValueError("the public key is not a point of the curve: copy it again")
    return key


def read_input(source: str) -> bytes:
    """The bytes of the message. ValueError or OSError, in a sentence, if there are none."""
    if source == "-":
        raw = sys.stdin.buffer.read(MAX_INPUT_BYTES + 1)
    elif _from_hex(source.encode()) is not None:
        raw = source.encode()
    elif Path(source).is_file():
        with open(source, "rb") as file:
            raw = file.read(MAX_INPUT_BYTES + 1)
    else:
        raise ValueError(
            "this is neither hexadecimal nor a file that exists (and - stands for standard input)"
        )
    if len(raw) > MAX_INPUT_BYTES:
        raise ValueError(f"larger than {MAX_INPUT_BYTES} bytes: that is not one message")
    if not raw:
        raise ValueError("the input is empty")
    decoded = _from_hex(raw)
    return raw if decoded is None else decoded


def describe(data: bytes, public_key: bytes | None = None) -> tuple[list[str], int]:
    """Lines for a person, and the exit status."""
    head = [f"size            {len(data)} bytes", f"subject digest  {messages.digest(data).hex()}"]
    try:
        message = messages.open_message(data)
    except reasons.Refused as refused:
        name = reasons.NAMES[refused.reason]
        return [
            f"refused         {refused.reason} {name}: {refused.detail}",
            *head,
            *_as_cbor(data),
        ], 1
    lines = [
        f"{message.name} (type {message.type}), signed by the {message.definition.sender}",
        *head,
        f"signing digest  {message.signing_digest().hex()}",
        f"signature       {message.signature.hex()}",
    ]
    verdict, status = _signature_verdict(message, public_key)
    lines.append(f"verifies        {verdict}")
    lines.append("payload")
    lines += _fields(message.fields, "  ")
    return lines, status


def _signature_verdict(message: messages.Message, public_key: bytes | None) -> tuple[str, int]:
    # Only a request to enrol carries its own key. For all others the user must name it.
    key, origin = public_key, "the given key"
    if key is None and message.type == messages.ENROL_REQUEST:
        key, origin = message.fields["public_key"], "the key it carries"
    if key is None:
        return "not checked: give --public-key", 0
    if schnorr.verify(key, message.signing_digest(), message.signature):
        return f"yes, under {origin}", 0
    return f"NO, not under {origin}", 1


def _fields(values: dict[str, Any], indent: str) -> list[str]:
    # A captured message may be hostile: no escape sequence may reach the terminal, not as a name.
    shown = {printable(name): value for name, value in values.items()}
    width = max(len(name) for name in shown) if shown else 0
    lines = []
    for name, value in shown.items():
        if isinstance(value, dict):
            lines.append(f"{indent}{name}")
            lines += _fields(value, indent + "  ") if value else [f"{indent}  (none)"]
        elif isinstance(value, list):
            lines.append(f"{indent}{name}")
            lines += [f"{indent}  {index}: {_text(name, item)}" for index, item in enumerate(value)]
        else:
            lines.append(f"{indent}{name:<{width}}  {_text(name, value)}")
    return lines


def _text(name: str, value: Any) -> str:
    if value is None:
        return "null (not confirmed)" if name == "age_s" else "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, str):
        return printable(value)
    meaning = _CHOICES.get(name, {}).get(value)
    return f"{value} ({meaning})" if meaning else str(value)


def _as_cbor(data: bytes) -> list[str]:
    """The bytes in CBOR diagnostic notation if they decode, else in hexadecimal."""
    try:
        item = cbor.decode(data, MAX_INPUT_BYTES, 32)
    except reasons.Refused:
        return [f"bytes           {data[:256].hex()}{'…' if len(data) > 256 else ''}"]
    return [f"as CBOR         {_diagnostic(item)}"]


def _diagnostic(item: Any) -> str:
    """Diagnostic notation of RFC 8949 section 8."""
    if item is None or isinstance(item, bool):
        return {None: "null", True: "true", False: "false"}[item]
    if isinstance(item, bytes):
        return f"h'{item.hex()}'"
    if isinstance(item, str):
        return f'"{printable(item)}"'
    if isinstance(item, list):
        return "[" + ", ".join(_diagnostic(entry) for entry in item) + "]"
    if isinstance(item, dict):
        pairs = (f"{_diagnostic(key)}: {_diagnostic(value)}" for key, value in item.items())
        return "{" + ", ".join(pairs) + "}"
    return str(item)


def _from_hex(raw: bytes) -> bytes | None:
    """The bytes that hexadecimal text stands for; None if it is not hexadecimal."""
    try:
        text = raw.decode("ascii")
        return bytes.fromhex("".join(text.split())) if text.strip() else None
    except ValueError:
        return None
