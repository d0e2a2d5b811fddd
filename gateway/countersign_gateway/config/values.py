"""The types of value that a setting may have: each is read strictly, and refused in one sentence.

A reader takes the value that TOML gave and returns it converted. It raises ValueError with a text
that continues after the setting's name: "must be …". `Meaning` says the same in CONFIGURATION.md.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import PlainValidator, ValidationInfo

from countersign import identity
from countersign.carriers import topics
from countersign.proofs import curve
from countersign_contracts.loopback import is_loopback, is_loopback_host
from countersign_gateway.model import EnrolmentMode

Finality = Literal["finalized", "instant"] | int
"""When a block is final: by the node's tag, at once, or after this many more blocks."""

Blocks = Literal["steady", "on_demand"]
TransactionsKind = Literal["auto", "dynamic", "legacy"]
"""The kind of transaction: with EIP-1559, without, or as the chain's blocks ask for."""


_HOST = re.compile(r"[A-Za-z0-9.:-]{1,253}")


@dataclass(frozen=True, slots=True)
class Meaning:
    """The values that a setting may have, in words, for the reference page."""

    text: str


@dataclass(frozen=True, slots=True)
class Endpoint:
    host: str
    port: int
    tls: bool = False

    @property
    def is_local(self) -> bool:
        """Whether what is sent there stays on this machine."""
        return is_loopback_host(self.host)


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("must be a text that is not empty")
    return value


def _site(value: Any) -> str:
    text = _text(value)
    try:
        return topics.check_site(text)
    except ValueError:
        raise ValueError("must be 1 to 32 of a-z, 0-9 and '-'") from None


def _path(value: Any, info: ValidationInfo) -> Path:
    folder: Path = (info.context or {}).get("folder", Path())
    return folder / _text(value)


def _names(value: Any) -> tuple[str, ...]:
    fits = isinstance(value, list | tuple) and len(value) <= 32
    if not fits or not all(isinstance(name, str) and _HOST.fullmatch(name) for name in value):
        raise ValueError("must be a list of host names and addresses")
    return tuple(value)


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("must be true or false")
    return value


def _whole(value: Any, least: int = 0, most: int = 0xFFFFFFFF) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise ValueError(f"must be a whole number from {least} to {most}")
    return value


def _positive(value: Any) -> int:
    return _whole(value, least=1)


def _bytes(value: Any) -> int:
    return _whole(value, least=1_000_000, most=1 << 50)


def _gas(value: Any) -> int:
    return _whole(value, least=1_000_000, most=1 << 50)


def _device_class(value: Any) -> int:
    if isinstance(value, bool) or value not in (
        identity.CLASS_STANDARD,
        identity.CLASS_LIFE_CRITICAL,
    ):
        raise ValueError("must be 1 (standard) or 2 (life-critical)")
    return int(value)


def _baud(value: Any) -> int:
    return _whole(value, least=1200, most=12_000_000)


def _seconds(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("must be a number of seconds")
    if not 0 < value <= 86400:
        raise ValueError("must be more than 0 and at most 86400 seconds")
    return float(value)


def _address(value: Any) -> bytes:
    if not isinstance(value, str) or not re.fullmatch(r"0x[0-9a-fA-F]{40}", value):
        raise ValueError("must be an address: 0x and 40 hexadecimal digits")
    return bytes.fromhex(value[2:])


def _enrolment(value: Any) -> EnrolmentMode:
    if value not in tuple(EnrolmentMode):
        raise ValueError('must be "listed", "approve" or "open"')
    return EnrolmentMode(value)


def _public_keys(value: Any) -> tuple[bytes, ...]:
    if not isinstance(value, list | tuple):
        raise ValueError("must be a list of public keys")
    return tuple(_public_key(item) for item in value)


def _public_key(value: Any) -> bytes:
    if not isinstance(value, str) or not re.fullmatch(r"[0-9a-fA-F]{64}", value):
        raise ValueError("must hold public keys of 64 hexadecimal digits")
    key = bytes.fromhex(value)
    if curve.lift_x(key) is None:
        raise ValueError("holds a key that is not a point of the curve: copy it again")
    return key


def _endpoint(value: Any) -> Endpoint:
    host, separator, port = _text(value).rpartition(":")
    if not separator or not host or not re.fullmatch(r"[0-9]+", port):
        raise ValueError('must be "host:port"')
    if len(port) > 5 or int(port) > 65535:
        raise ValueError("must have a port of at most 65535")
    return Endpoint(host.strip("[]"), int(port))


def _broker(value: Any) -> Endpoint | None:
    if value is None or value == "own":
        return None
    scheme, separator, rest = value.partition("://") if isinstance(value, str) else ("", "", "")
    if not separator or scheme not in ("mqtt", "mqtts"):
        raise ValueError('must be "own", "mqtt://host:port" or "mqtts://host:port"')
    endpoint = _endpoint(rest)
    if "@" in endpoint.host or "/" in endpoint.host:
        raise ValueError(
            f'must be "{scheme}://host:port": the username stands in a setting of its own'
        )
    return Endpoint(endpoint.host, endpoint.port, tls=scheme == "mqtts")


def _line(value: Any) -> str:
    text = _text(value)
    if text.startswith("socket://"):
        _endpoint(text.removeprefix("socket://"))
    elif not text.startswith("/"):
        raise ValueError('must be a path such as "/dev/ttyACM0", or "socket://host:port"')
    return text


def _http_addresses(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not value:
        raise ValueError("must be a list of http:// or https:// addresses")
    urls = tuple(_http_address(url) for url in value)
    if len(set(urls)) != len(urls):
        raise ValueError("must not name an address twice")
    return urls


def _finality(value: Any) -> Finality:
    if value in ("finalized", "instant") and isinstance(value, str):
        return "instant" if value == "instant" else "finalized"
    try:
        return _whole(value, least=1, most=10_000)
    except ValueError:
        raise ValueError(
            'must be "finalized", "instant" or a number of blocks from 1 to 10000'
        ) from None


def _gwei(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("must be a number of gwei")
    if not 0 <= value <= 1_000_000:
        raise ValueError("must be from 0 to 1000000 gwei")
    return round(value * 10**9)


def _blocks(value: Any) -> Blocks:
    for kind in ("steady", "on_demand"):
        if value == kind:
            return kind
    raise ValueError('must be "steady" or "on_demand"')


def _transactions(value: Any) -> TransactionsKind:
    for kind in ("auto", "dynamic", "legacy"):
        if value == kind:
            return kind
    raise ValueError('must be "auto", "dynamic" or "legacy"')


def _http_address(value: Any) -> str:
    text = _text(value)
    try:
        parts = urlsplit(text)
    except ValueError:
        # Its own text quotes the host, with a user and a password before it.
        raise ValueError("must be an http:// or https:// address") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("must be an http:// or https:// address")
    if parts.scheme == "http" and not is_loopback(text):
        raise ValueError("must be https:// unless the node is on this machine")
    return text


Names = Annotated[
    tuple[str, ...], PlainValidator(_names), Meaning("a list of host names and addresses")
]
Text = Annotated[str, PlainValidator(_text), Meaning("a text")]
SiteName = Annotated[str, PlainValidator(_site), Meaning("1 to 32 of a-z, 0-9 and `-`")]
File = Annotated[Path, PlainValidator(_path), Meaning("a path; relative ones start at this file")]
Flag = Annotated[bool, PlainValidator(_boolean), Meaning("`true` or `false`")]
Whole = Annotated[int, PlainValidator(_whole), Meaning("a whole number from 0 to 4294967295")]
Positive = Annotated[int, PlainValidator(_positive), Meaning("a whole number from 1 to 4294967295")]
DeviceClass = Annotated[int, PlainValidator(_device_class), Meaning("1 standard, 2 life-critical")]
Bytes = Annotated[int, PlainValidator(_bytes), Meaning("bytes, from 1000000 to 1125899906842624")]
Gas = Annotated[int, PlainValidator(_gas), Meaning("gas, from 1000000 to 1125899906842624")]
Baud = Annotated[int, PlainValidator(_baud), Meaning("bits a second, from 1200 to 12000000")]
Seconds = Annotated[float, PlainValidator(_seconds), Meaning("seconds: above 0, at most 86400")]
Address = Annotated[bytes, PlainValidator(_address), Meaning("`0x` and 40 hexadecimal digits")]
Enrolment = Annotated[
    EnrolmentMode, PlainValidator(_enrolment), Meaning("`listed`, `approve` or `open`")
]
PublicKeys = Annotated[
    tuple[bytes, ...],
    PlainValidator(_public_keys),
    Meaning("a list of keys, 64 hexadecimal digits each"),
]
Listen = Annotated[Endpoint, PlainValidator(_endpoint), Meaning("`host:port`")]
Broker = Annotated[
    Endpoint | None,
    PlainValidator(_broker),
    Meaning("`own`, `mqtt://host:port`, or `mqtts://host:port`"),
]
LineUrl = Annotated[
    str, PlainValidator(_line), Meaning("a device such as `/dev/ttyACM0`, or `socket://host:port`")
]
HttpUrls = Annotated[
    tuple[str, ...],
    PlainValidator(_http_addresses),
    Meaning("a list of `https://` addresses, or `http://` on this machine"),
]
FinalityRule = Annotated[
    Finality,
    PlainValidator(_finality),
    Meaning("`finalized`, `instant`, or a number of blocks from 1 to 10000"),
]
Gwei = Annotated[int, PlainValidator(_gwei), Meaning("gwei per gas, from 0 to 1000000")]
BlocksRule = Annotated[Blocks, PlainValidator(_blocks), Meaning("`steady` or `on_demand`")]
TransactionKind = Annotated[
    TransactionsKind, PlainValidator(_transactions), Meaning("`auto`, `dynamic` or `legacy`")
]
