"""The signed list of admissions: the report of `countersign provision`, as CSV or JSON.

    name, device_id, public_key, site      in every row; site is this gateway's
    next_key_digest                        the device must commit to it; empty: to any
    class                                  standard or life-critical; empty: the site's
    owner                                  0x… on the ledger; empty: the site's
    valid_until                            YYYY-MM-DD: the last day, in UTC, on which it may enrol
    result                                 rows with another result than "done" are passed over

Columns that stand for something else are passed over too. list_signature.py says how it is signed.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from countersign import identity, suites
from countersign_gateway.control import list_signature, strict_json
from countersign_gateway.control.people import People, Refused
from countersign_gateway.model import Admission

if TYPE_CHECKING:
    from countersign_gateway.verification.public_keys import PublicKeys

MOST_ROWS = 10_000
_MOST_FAULTS = 20


def signer_of(content: bytes, signature: str, provisioners: tuple[bytes, ...]) -> bytes:
    """The provisioner who signed the list. Refused if it was none of the site's."""
    if len(content) > list_signature.MOST_LIST_BYTES:
        raise Refused(
            f"the list is larger than {list_signature.MOST_LIST_BYTES} bytes: admit it in parts"
        )
    try:
        key, signed = list_signature.read(signature)
    except ValueError as error:
        raise Refused(f"the signature is {error}") from None
    if key not in provisioners:
        raise Refused(
            f"the list is signed by {key.hex()[:16]}…, who is not among policy.provisioners"
        )
    if not _public_keys().verify(key, list_signature.list_digest(content), signed):
        raise Refused("the signature does not fit the list: it was changed after it was signed")
    return key


def read(content: bytes, people: People, admitted_by: str) -> list[Admission]:
    """The admissions of the list. Refused with what is wrong in it; then nothing of it counts."""
    admissions: list[Admission] = []
    faults: list[str] = []
    names: dict[str, int] = {}
    for number, row in enumerate(_rows(content), 1):
        if _cell(row, "result") not in ("", "done"):
            continue
        try:
            admission = _admission(row, people, admitted_by)
            if names.setdefault(admission.name, number) != number:
                raise Refused(f"the same name as in entry {names[admission.name]}")
            admissions.append(admission)
        except Refused as fault:
            faults += [f"entry {number}: {sentence}" for sentence in fault.args]
    if faults:
        raise Refused(*faults[:_MOST_FAULTS])
    if not admissions:
        raise Refused("there is no finished board in the list")
    return admissions


def made(
    people: People,
    admitted_by: str,
    *,
    public_key: bytes,
    name: str,
    device_class: int,
    next_key_digest: bytes | None = None,
    owner: bytes | None = None,
    valid_until_s: int | None = None,
) -> Admission:
    """The admission of the device of this key. Refused if it cannot be one."""
    if not _public_keys().is_key(public_key):
        raise Refused("public_key is not a point of the curve: copy it again")
    device_id = identity.device_id(suites.SUITE_SECP256K1, public_key)
    present = identity.next_key_digest(suites.SUITE_SECP256K1, public_key)
    if next_key_digest in (identity.ZERO_DIGEST, present):
        raise Refused("next_key_digest commits to no next key")
    return Admission(
        device_id=device_id,
        suite=suites.SUITE_SECP256K1,
        public_key=public_key,
        next_key_digest=next_key_digest,
        name=people.check_name(name, device_id),
        device_class=device_class,
        owner=owner,
        valid_until_s=valid_until_s,
        admitted_by=admitted_by,
        admitted_s=int(people.wall_s()),
    )


def read_hex(text: str, size: int, name: str) -> bytes:
    """The bytes that hexadecimal digits stand for. Refused if they are not `size` bytes."""
    if re.fullmatch(rf"(0x)?[0-9a-fA-F]{{{2 * size}}}", text) is None:
        raise Refused(f"{name} must be {2 * size} hexadecimal digits")
    return bytes.fromhex(text.removeprefix("0x"))


def read_day(text: str) -> int:
    """The end of a day, in seconds since the epoch. Refused if the text is no YYYY-MM-DD."""
    try:
        day = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise Refused("valid_until must be a day, YYYY-MM-DD") from None
    return int((day + timedelta(days=1)).timestamp())


def _admission(row: Mapping[str, Any], people: People, admitted_by: str) -> Admission:
    site = _cell(row, "site")
    if not site:
        raise Refused(f"it names no site: the column site must say {people.site}")
    if site != people.site:
        raise Refused(f"it is not for this site, which is {people.site}")
    next_key, owner = _cell(row, "next_key_digest"), _cell(row, "owner")
    day = _cell(row, "valid_until")
    admission = made(
        people,
        admitted_by,
        public_key=read_hex(_cell(row, "public_key"), 32, "public_key"),
        name=_cell(row, "name"),
        device_class=people.class_number(_cell(row, "class")),
        next_key_digest=read_hex(next_key, 32, "next_key_digest") if next_key else None,
        owner=read_hex(owner, 20, "owner") if owner else None,
        valid_until_s=read_day(day) if day else None,
    )
    if read_hex(_cell(row, "device_id"), 32, "device_id") != admission.device_id:
        raise Refused("its key does not give its device_id")
    return admission


def _rows(content: bytes) -> list[Mapping[str, Any]]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Refused("the list is not in UTF-8") from None
    rows = _from_json(text) if text.lstrip().startswith("[") else _from_csv(text)
    if len(rows) > MOST_ROWS:
        raise Refused(f"the list has more than {MOST_ROWS} entries: admit it in parts")
    return rows


def _from_json(text: str) -> list[Mapping[str, Any]]:
    try:
        rows = strict_json.loads(text)
    except ValueError as error:
        raise Refused(str(error)) from None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise Refused("the list is not an array of objects")
    return rows


def _from_csv(text: str) -> list[Mapping[str, Any]]:
    try:
        reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
        header = list(reader.fieldnames or ())
        if len(set(header)) != len(header):
            raise Refused("a column is there twice")
        rows: list[Mapping[str, Any]] = list(reader)
    except csv.Error:
        raise Refused("the list is not CSV") from None
    if any(None in row or None in row.values() for row in rows):
        raise Refused("a row has not as many cells as the header")
    return rows


def _cell(row: Mapping[str, Any], name: str) -> str:
    value = row.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Refused(f"{name} must be a text")
    return value.strip()


def _public_keys() -> PublicKeys:
    # The command line reads the table of acts for its help, also where coincurve is not installed.
    from countersign_gateway.verification.public_keys import PublicKeys

    return PublicKeys()
