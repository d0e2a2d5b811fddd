"""The strict codec against cbor2: the same values, the same bytes, the same refusals.

One difference is intended. cbor2's canonical form sorts map keys length-first (RFC 7049 §3.9), and
the protocol sorts them bytewise (RFC 8949 §4.2.1). So oracles.py sorts for cbor2.
"""

import os
import subprocess
import tempfile
from collections import Counter
from pathlib import Path
from random import Random

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from countersign import cbor, reasons
from support.differential.inputs import how_many, messages_like, values
from support.differential.oracles import cbor_decode, cbor_encode, cbor_in_domain

ROOMY = 1 << 20


def ours(data: bytes, max_bytes: int = 2048, max_depth: int = 8) -> tuple[bool, object]:
    """(True, value) or (False, reason) by our decoder. It may raise only Refused for bad form."""
    try:
        return True, cbor.decode(data, max_bytes, max_depth)
    except reasons.Refused as refused:
        assert refused.reason in range(reasons.MALFORMED, reasons.TRAILING_BYTES + 1)
        return False, refused.reason


def agree(data: bytes) -> str:
    """Assert that both decoders agree. Returns the outcome's name."""
    accepted, value = ours(data)
    theirs_accepted, theirs = cbor_decode(data)
    assert accepted == theirs_accepted, data.hex()
    if not accepted:
        return reasons.NAMES[value]
    # repr distinguishes True from 1 at every depth, and there is no -0.
    assert repr(value) == repr(theirs), data.hex()
    assert cbor.encode(value) == data
    return "accepted"


@given(values)
def test_values_round_trip_and_match_cbor2(value):
    if not cbor_in_domain(value, 8):
        return
    data = cbor.encode(value)
    assert data == cbor_encode(value)
    assert cbor2.loads(data) == value
    assert repr(cbor.decode(data, ROOMY)) == repr(cbor2.loads(data))


@given(values, st.integers(0, 9))
def test_depth_limits_agree(value, levels):
    try:
        data = cbor.encode(value, levels)
    except ValueError:
        assert not cbor_in_domain(value, levels)
    else:
        assert cbor_in_domain(value, levels)
        assert ours(data, ROOMY, levels)[0]
    everything = cbor_encode(value)
    accepted, reason = ours(everything, ROOMY, levels)
    assert accepted == cbor_in_domain(value, levels)
    assert accepted or reason == reasons.OVER_DEEP


@given(values, st.data())
def test_prefixes_are_truncated(value, data):
    encoded = cbor_encode(value)
    length = data.draw(st.integers(0, len(encoded) - 1))
    accepted, reason = ours(encoded[:length], ROOMY, 30)
    assert not accepted
    assert reason == reasons.TRUNCATED


@given(st.binary(max_size=60))
def test_noise(data):
    agree(data)


def test_inputs_near_the_edge_of_what_is_legal():
    random = Random(os.urandom(8).hex() if how_many(0, 1) else "repeat")
    counts = Counter(agree(data) for data in messages_like(random, how_many(8_000, 400_000)))
    # The inputs must reach every outcome, or the comparison proves little.
    for reason in ("TRUNCATED", "OVER_DEEP", "NON_CANONICAL", "TRAILING_BYTES", "MALFORMED"):
        assert counts[reason] >= 15, counts
    assert counts["accepted"] > 500, counts


def test_every_two_bytes_and_many_threes():
    for first in range(256):
        for second in range(256):
            agree(bytes([first, second]))
    for first in range(256):
        for second in (0, 1, 0x17, 0x18, 0x60, 0x7F, 0x80, 0xA0, 0xBF, 0xC2, 0xF6, 0xFF):
            for third in (0, 1, 0x18, 0x41, 0x61, 0x80, 0xBF, 0xF5, 0xFF):
                agree(bytes([first, second, third]))
                agree(bytes([first, second, third, 0]))


def test_long_items():
    for size in (65535, 65536):
        for value in (bytes(size), "x" * size, [0] * size, dict.fromkeys(range(size), 0)):
            data = cbor.encode(value)
            assert data == cbor_encode(value)
            assert cbor.decode(data, ROOMY) == value


def test_where_cbor2_canonical_differs():
    value = {256: 0, -1: 0}
    bytewise = bytes.fromhex("a2" + "19010000" + "2000")
    length_first = bytes.fromhex("a2" + "2000" + "19010000")
    assert cbor.encode(value) == bytewise
    assert cbor2.dumps(value, canonical=True) == length_first
    with pytest.raises(reasons.Refused) as refused:
        cbor.decode(length_first)
    assert refused.value.reason == reasons.NON_CANONICAL


PROGRAM = """
import sys
from countersign import cbor, reasons
with open(sys.argv[1]) as file:
    for line in file:
        try:
            print(cbor.encode(cbor.decode(bytes.fromhex(line.strip()))).hex() or "-")
        except reasons.Refused as refused:
            print(reasons.NAMES[refused.reason])
"""


@pytest.mark.parametrize("which", [0, 1], ids=["own architecture", "armhf"])
def test_micropython_gives_every_input_the_same_answer(which):
    from countersign_workshop.parts import micropython

    runtime = micropython.runtimes()[which]
    try:
        command = micropython.argv(runtime)
    except micropython.RuntimeMissing as missing:
        pytest.skip(str(missing))
    inputs = messages_like(Random("runtimes"), how_many(2_000, 50_000))
    # The runtimes themselves differ in text: MicroPython's own check is lenient.
    random = Random("text")
    for _ in range(how_many(1_000, 20_000)):
        lead = random.choice((0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xED, 0xEF, 0xF0, 0xF1, 0xF4, 0xF5))
        rest = bytes(random.choice((0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF)) for _ in range(3))
        text = (bytes([lead]) + rest)[: random.randint(1, 4)]
        inputs.append(bytes([0x60 | len(text)]) + text)
    inputs = [data for data in inputs if data]

    library = str(Path(cbor.__file__).parent.parent)
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder, "program.py")
        program.write_text(PROGRAM)
        listing = Path(folder, "inputs.txt")
        listing.write_text("".join(data.hex() + "\n" for data in inputs))
        finished = subprocess.run(
            [*command, str(program), str(listing)],
            env=micropython.environment([library]),
            capture_output=True,
            text=True,
            timeout=300,
            check=True,
        )
    answers = finished.stdout.split()
    assert len(answers) == len(inputs)
    for data, answer in zip(inputs, answers, strict=True):
        accepted, value = ours(data)
        assert answer == (data.hex() if accepted else reasons.NAMES[value]), data.hex()
