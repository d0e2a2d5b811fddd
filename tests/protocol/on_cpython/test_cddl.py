"""Real messages against the published CDDL, with an independent CDDL implementation.

Every message that our code makes must validate. The CDDL must also be strict enough to refuse what
our code refuses.

pycddl 0.6 applies a `.cbor` control inside an array to every item of the array, and so refuses
any COSE shape. So the tests validate a message in the three layers that the controls name, each
with the unchanged rule of the file: the array, the protected header, the payload. pycddl also
takes any map for `{}`, any integer for `nint`, a byte string whose length is in an integer's
range, and an array for a map. tests/protocol/test_messages.py tests the rules that depend on these
with our own decoder.
"""

import re
from functools import cache
from pathlib import Path

import cbor2
import pycddl
import pytest

from countersign import cbor, messages, reasons
from countersign.messages import envelope
from support.protocol import samples

ROOT = Path(__file__).resolve().parents[3]
CDDL = (ROOT / "firmware/lib/countersign/countersign.cddl").read_text()
TYPES = [definition.type for definition in messages.DEFINITIONS]
RULES = {
    int(number): (rule, fields)
    for rule, number, fields in re.findall(
        r"^([a-z-]+) += sealed<header<(\d+)>, ([a-z-]+)>$", CDDL, re.MULTILINE
    )
}


@cache
def _schema(root: str) -> pycddl.Schema:
    text = f"root = {root}\n{CDDL}"
    if root in dict(RULES.values()):
        text = re.sub(r" \.cbor (protected-header|fields),", ",", text)
    return pycddl.Schema(text)


def _matches(root: str, data: bytes) -> bool:
    try:
        _schema(root).validate_cbor(data)
    except pycddl.ValidationError:
        return False
    return True


def _valid(data: bytes) -> bool:
    protected, _, payload, _ = cbor2.loads(data)
    number = cbor2.loads(protected)[envelope.LABEL_MESSAGE_TYPE]
    rule, fields = RULES[number]
    return (
        _matches(rule, data)
        and _matches(f"header<{number}>", protected)
        and _matches(fields, payload)
    )


def test_the_file_has_every_message() -> None:
    assert sorted(RULES) == sorted(TYPES)
    listed = re.search(r"^message = ((?:.|\n)*?)\n\n", CDDL, re.MULTILINE)
    assert listed is not None
    assert sorted(re.findall(r"[a-z-]+", listed.group(1))) == sorted(r for r, _ in RULES.values())


@pytest.mark.parametrize("type", TYPES)
def test_envelope_is_strict(type: int) -> None:
    rule, _ = RULES[type]
    header, payload = messages.BY_TYPE[type].protected, b"\xa0"
    assert _matches(rule, cbor.encode([header, {}, payload, bytes(64)]))
    for bad in (
        [header, {}, payload],
        [header, {}, payload, bytes(63)],
        [header, {}, payload, bytes(64), 0],
        ["header", {}, payload, bytes(64)],
    ):
        assert not _matches(rule, cbor.encode(bad))
    for other in TYPES:
        assert _matches(f"header<{type}>", messages.BY_TYPE[other].protected) == (other == type)


@pytest.mark.parametrize("type", TYPES)
def test_sealed_messages_validate(type: int) -> None:
    assert _valid(samples.sealed(type))


@pytest.mark.parametrize("type", TYPES)
def test_null_and_boundary_values_validate(type: int) -> None:
    for name, value in (("age_s", None), ("registration", None), ("readings", {}), ("counter", 1)):
        values = samples.values(type)
        if name in values:
            values[name] = value
            assert _valid(messages.seal(type, values, lambda digest: bytes(64)))


@pytest.mark.parametrize("type", TYPES)
def test_cddl_refuses_what_the_code_refuses(type: int) -> None:
    definition = messages.BY_TYPE[type]
    for key in definition.payload.to_wire(samples.values(type)):
        of_bytes = isinstance(definition.payload.to_wire(samples.values(type))[key], bytes)
        for item in (True, -1, "x", 1 << 63, *((b"", bytes(31)) if of_bytes else ())):
            wire = definition.payload.to_wire(samples.values(type))
            wire[key] = item
            data = cbor.encode([definition.protected, {}, cbor.encode(wire), bytes(64)])
            try:
                messages.open_message(data)
            except reasons.Refused:
                assert not _valid(data), (definition.name, key, item)
            else:
                assert _valid(data), (definition.name, key, item)


@pytest.mark.parametrize("type", TYPES)
def test_cddl_has_the_same_keys(type: int) -> None:
    definition = messages.BY_TYPE[type]
    for key in definition.payload.to_wire(samples.values(type)):
        wire = definition.payload.to_wire(samples.values(type))
        del wire[key]
        assert not _valid(cbor.encode([definition.protected, {}, cbor.encode(wire), bytes(64)])), (
            definition.name,
            key,
        )
