"""What to write to which board: a CSV of boards, or one board from the command line.

    name, port          in every row; names are unique
    board               a name of board_kinds.py: another board at the port is then refused
    baud                of the port, 115200 if empty
    class, valid_until  for the report: what the gateway shall admit the device as, and until when
    any setting of countersign_agent/config.py, such as site, transport, broker_host, wifi_ssid;
    an empty cell leaves it to --settings, and then to the agent's default
    tls_ca_path         a DER file on this machine, which is copied to the board

The agent's own code checks every row before any board is touched. All faults are reported at once.
"""

from __future__ import annotations

import csv
import difflib
import hashlib
import io
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from countersign.proofs import curve
from countersign_agent.config import FIELDS
from countersign_cli.board_catalogue import board_kinds
from countersign_cli.board_port import board_line
from countersign_cli.mendable import Mendable
from countersign_cli.provisioning import settings_faults
from countersign_cli.provisioning.bundle import STORAGE_FOLDER
from countersign_gateway.text_file import read_text

COLUMNS = ("name", "port", "board", "baud", "class", "valid_until")
CA_PATH = "/broker_ca.der"
SHARED = "--settings"  # where a fault stands that all rows share
_SETTINGS = {entry[0]: entry[1] for entry in FIELDS}
# This module sets these for every board, or a column of their own does.
_OURS = ("storage_folder", "name", "device_id")
_MOST_CA_BYTES = 8192


class RowsError(Mendable):
    """The rows cannot be used. args: a sentence for each fault, with the line and the board."""

    exit_status = 2


@dataclass(frozen=True)
class Row:
    """One board.

    config: the file that its agent reads, without the device id, which only the board can tell.
    files: further files, by path on the board.
    """

    name: str
    port: str
    board: str
    baud: int
    config: bytes = field(repr=False)
    files: dict[str, bytes] = field(repr=False)
    device_class: str = ""
    valid_until: str = ""

    def config_of(self, device_id: bytes, service_pin: int | None = None) -> bytes:
        """The configuration file for this device (32 bytes). No other device starts with it.

        service_pin: that of its kind of board, which a setting of the row replaces.
        """
        own = {} if service_pin is None else {"service_pin": service_pin}
        own.update(json.loads(self.config))
        return _config_file({**own, "device_id": device_id.hex()})

    def digest(self) -> str:
        """A digest in hexadecimal of all that the row asks of a board, to notice changes."""
        digest = hashlib.sha256(f"{self.board}\0".encode())
        for path, content in sorted({"config": self.config, **self.files}.items()):
            digest.update(hashlib.sha256(path.encode()).digest())
            digest.update(hashlib.sha256(content).digest())
        return digest.hexdigest()


def read_settings(path: Path | None) -> dict[str, Any]:
    """The settings that all boards share, from a JSON object in the file; {} without a file."""
    if path is None:
        return {}
    try:
        settings = json.loads(_text(path))
    except ValueError as fault:
        raise RowsError(f"{path} is not JSON: {fault}") from None
    if not isinstance(settings, dict):
        raise RowsError(f"{path} is not one JSON object")
    faults = [f"{path}: {_unknown(name)}" for name in settings if name not in _SETTINGS]
    faults += [f"{path}: {name} is set for each board" for name in _OURS if name in settings]
    if faults:
        raise RowsError(*faults)
    return settings


def read_csv(path: Path, shared: Mapping[str, Any]) -> list[Row]:
    """The rows of a CSV file with a header. RowsError with everything that is wrong in the file."""
    try:
        reader = csv.DictReader(io.StringIO(_text(path)), strict=True)
        header = [name.strip() for name in reader.fieldnames or ()]
        reader.fieldnames = header
        faults = _header_faults(path, header)
        if faults:
            raise RowsError(*faults)
        lines = [(reader.line_num, cells) for cells in reader]
    except csv.Error as fault:
        raise RowsError(f"{path} is not a CSV file: {fault}") from None
    return _rows(
        ((f"{path.name} line {number}", cells) for number, cells in lines), shared, path.parent
    )


def _text(path: Path) -> str:
    try:
        return read_text(path)
    except OSError as fault:
        raise RowsError(f"{path} cannot be read: {fault.strerror}") from None
    except ValueError as fault:
        raise RowsError(f"{path} {fault}") from None


def single(cells: Mapping[str, str], shared: Mapping[str, Any]) -> Row:
    """The row of one board from the command line. cells: strings, as a CSV would hold them."""
    faults = [_unknown(name) for name in cells if name not in (*COLUMNS, *_SETTINGS)]
    if faults:
        raise RowsError(*faults)
    return _rows([("command line", dict(cells))], shared, Path())[0]


def _rows(
    lines: Iterable[tuple[str, Mapping[Any, Any]]], shared: Mapping[str, Any], folder: Path
) -> list[Row]:
    rows: list[Row] = []
    faults: list[str] = []
    seen: dict[str, str] = {}
    for place, cells in lines:
        if None in cells or None in cells.values():
            faults.append(f"{place}: not as many cells as the header has")
            continue
        texts = {str(name): str(value).strip() for name, value in cells.items()}
        if not any(texts.values()):
            continue
        name = texts.get("name", "")
        where = f"{place} ({name})" if name else place
        try:
            rows.append(_row(texts, shared, folder))
        except _Faults as found:
            for said in found.said:
                setting = next((word for word in said.split() if word in _SETTINGS), None)
                of_all = shared.get(str(setting)) is not None and not texts.get(str(setting))
                fault = f"{SHARED if of_all else where}: {said}"
                faults += [] if fault in faults else [fault]
        if name and name in seen:
            faults.append(f"{where}: the same name as in {seen[name]}")
        seen.setdefault(name, place)
    if faults:
        raise RowsError(*faults)
    if not rows:
        raise RowsError("there are no boards in it")
    return rows


def _row(texts: Mapping[str, str], shared: Mapping[str, Any], folder: Path) -> Row:
    """The row. _Faults with all that is wrong in it."""
    faults = _Faults()
    for needed in ("name", "port"):
        if not texts.get(needed):
            faults.said.append(f"{needed} is empty")
    if not texts.get("name", "x").isprintable():
        faults.said.append("name holds a character that cannot be printed")
    if texts.get("port"):
        faults.taken(board_line.check_name, texts["port"])
    board = texts.get("board", "")
    if board and board not in board_kinds.KINDS:
        faults.said.append(f"no such board: {board} (there are: {', '.join(board_kinds.KINDS)})")
    named = texts.get("name") or "unnamed"
    settings = {**shared, "name": named, "storage_folder": STORAGE_FOLDER}
    for name, text in texts.items():
        if name in _SETTINGS and text and name != "name":
            wants_number = _SETTINGS[name] is int
            settings[name] = faults.taken(_number, name, text) if wants_number else text
    files = {}
    if settings.get("tls_ca_path") is not None:
        content = faults.taken(_certificate, folder / str(settings["tls_ca_path"]))
        files[CA_PATH] = content if content is not None else b""
        settings["tls_ca_path"] = CA_PATH
    faults.said += settings_faults.of(settings)
    for name in ("gateway_public_key", "site_account_key"):
        faults.taken(_check_key, name, settings.get(name))
    baud = faults.taken(_number, "baud", texts.get("baud") or str(board_line.BAUD))
    device_class, valid_until = texts.get("class", ""), texts.get("valid_until", "")
    if device_class not in ("", "standard", "life-critical"):
        faults.said.append("class is standard or life-critical")
    if valid_until:
        faults.taken(_check_day, valid_until)
    if faults.said:
        raise faults
    config = _config_file(settings)
    return Row(named, texts["port"], board, baud, config, files, device_class, valid_until)


class _Faults(Exception):
    """All that is wrong in one row, in `said`."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []

    def taken(self, check: Callable[..., Any], *arguments: Any) -> Any:
        """What `check` returns; None if it finds a fault, which is kept."""
        try:
            return check(*arguments)
        except (board_line.PortError, ValueError) as fault:
            self.said.append(str(fault))
            return None


def _check_key(name: str, key: object) -> None:
    try:
        digits = bytes.fromhex(str(key).removeprefix("0x"))
    except ValueError:
        return  # said as a fault of the settings
    if key is not None and len(digits) == 32 and curve.lift_x(digits) is None:
        raise ValueError(f"{name} is not a point of the curve: copy it again")


def _check_day(text: str) -> None:
    try:
        day = datetime.strptime(text, "%Y-%m-%d").date()
    except ValueError:
        day = None
    if day is None or day.isoformat() != text:
        raise ValueError("valid_until is a day, YYYY-MM-DD")
    if day < datetime.now(UTC).date():
        raise ValueError(f"valid_until {text} is past: no gateway admits the board")


def _config_file(settings: Mapping[str, Any]) -> bytes:
    return json.dumps(settings, indent=1, sort_keys=True).encode() + b"\n"


def _number(name: str, text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise ValueError(f"{name} is an integer")
    return int(text)


def _certificate(path: Path) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as fault:
        raise ValueError(f"tls_ca_path: {path} cannot be read: {fault.strerror}") from None
    if not content.startswith(b"\x30") or len(content) > _MOST_CA_BYTES:
        raise ValueError(f"tls_ca_path: {path} is not a DER certificate")
    return content


def _header_faults(path: Path, header: list[str]) -> list[str]:
    faults = [f"{path.name} line 1: {_unknown(name)}" for name in header if not _known(name)]
    for name in ("name", "port"):
        if name not in header:
            faults.append(f"{path.name} line 1: there is no column {name}")
    if len(set(header)) != len(header):
        faults.append(f"{path.name} line 1: a column is there twice")
    return faults


def _known(name: str) -> bool:
    return name in COLUMNS or (name in _SETTINGS and name not in _OURS)


def _unknown(name: str) -> str:
    known = [*COLUMNS, *(setting for setting in _SETTINGS if setting not in _OURS)]
    near = difflib.get_close_matches(name, known, n=1)
    return f"unknown setting {name!r}" + (f": do you mean {near[0]}?" if near else "")
