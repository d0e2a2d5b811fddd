"""The fast and the strict codec give the same messages, the same refusals, the same bytes."""

from __future__ import annotations

import time
from typing import Any

import cbor2
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from countersign import messages, reasons
from countersign_gateway.model import Freshness
from countersign_gateway.statements import verdict
from countersign_gateway.verification import codec, worker
from countersign_gateway.verification.public_keys import PublicKeys
from countersign_workshop.fuzzing import hostile_cbor
from support.gateway import corpus


def outcome(open_message: Any, data: bytes) -> tuple[Any, ...]:
    try:
        message = open_message(data)
    except reasons.Refused as refused:
        return ("refused", refused.reason)
    kept = [(name, type(value), value) for name, value in message.fields.items()]
    return ("accepted", message.type, kept, message.payload, message.signature)


def same(data: bytes) -> str:
    fast, strict = outcome(codec.open_message, data), outcome(messages.open_message, data)
    assert fast == strict, data.hex()
    return str(fast[0])


@pytest.mark.parametrize("seed", range(4))
def test_over_a_corpus_bent_from_valid_messages(seed):
    seen = {same(data) for data in corpus.mutants(seed, 4000)}
    assert "refused" in seen


def test_over_every_valid_message_cut_and_flipped_everywhere():
    for valid in corpus.valid_messages():
        assert same(valid) == "accepted"
        for end in range(len(valid)):
            same(valid[:end])
        for position in range(len(valid)):
            for bit in (1, 0x20, 0x80):
                changed = bytearray(valid)
                changed[position] ^= bit
                same(bytes(changed))


def test_the_fast_path_is_what_reads_a_device_s_messages(monkeypatch):
    """The comparison above would also pass if the fast codec accepted nothing."""
    valid = corpus.valid_messages()
    monkeypatch.setattr(codec.cbor, "decode", lambda *_: pytest.fail("the strict codec was asked"))
    for data in valid:
        assert codec.open_message(data).payload


@pytest.mark.parametrize("what", hostile_cbor.ITEMS)
@pytest.mark.parametrize("place", hostile_cbor.PLACES)
def test_no_general_decoder_sees_what_an_attacker_shaped(what, place, monkeypatch):
    data = hostile_cbor.PLACES[place](hostile_cbor.ITEMS[what])
    assert len(data) <= messages.MAX_MESSAGE_BYTES
    monkeypatch.setattr(codec.cbor2, "loads", lambda _: pytest.fail("a general decoder was asked"))
    started_s = time.process_time()
    assert same(data) == "refused"
    # Some 4 ms for both readers; a bomb takes for ever, and a pattern a second.
    assert time.process_time() - started_s < 0.25


def test_a_refusal_takes_few_steps(monkeypatch):
    """The strict decoder reads each part once, and gives up after 64 items."""
    calls = []
    decode = codec.cbor.decode
    monkeypatch.setattr(codec.cbor, "decode", lambda *a, **k: calls.append(a) or decode(*a, **k))
    started_s = time.process_time()
    for _ in range(100):
        with pytest.raises(reasons.Refused, match="OVERSIZED"):
            codec.open_message(
                hostile_cbor.PLACES["for the payload"](hostile_cbor.ITEMS["many empty maps"])
            )
    assert len(calls) == 100
    # Some 3 ms; without the limit of items, 70 ms.
    assert time.process_time() - started_s < 0.04


@pytest.mark.parametrize("what", hostile_cbor.ITEMS)
def test_the_lobby_and_the_worker_scan_and_decode_nothing(what, monkeypatch):
    """The lobby's thread is the network's, and the pipeline reads again what a worker passes on: a
    message that is refused is decoded once, by the pipeline."""
    monkeypatch.setattr(codec.cbor, "decode", lambda *_: pytest.fail("decoded twice"))
    for place in hostile_cbor.PLACES.values():
        data = place(hostile_cbor.ITEMS[what])
        assert codec.named_device(data) is None
        assert worker.examine(bytes(32), bytes(32), data, PublicKeys()) is None
    for valid in corpus.valid_messages():
        assert codec.named_device(valid) == messages.open_message(valid).fields["device_id"]


# Values as cbor2 writes them, including the types that our subset excludes.
_keys = st.one_of(
    st.integers(-(1 << 65), 1 << 65),
    st.sampled_from([3, 10, 256, 261, 267, 271, -65537, -65538, -65539, 1, 2, 8]),
    st.text(max_size=4),
    st.booleans(),
    st.floats(allow_nan=False),
    st.binary(max_size=3),
)
_values = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(1 << 70), 1 << 70),
        st.floats(allow_nan=False),
        st.binary(max_size=33),
        st.text(max_size=64),
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(_keys, inner, max_size=4)),
    max_leaves=12,
)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=64))
@example(b"\xf9\x42\x00")
@example(b"\x81" * 2000)
@example(b"\xc2\x49\x01\x00\x00\x00\x00\x00\x00\x00\x00")
def test_over_any_bytes(data):
    same(data)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_over_claims_with_any_value_in_place_of_one(data):
    request, _, evidence, *_ = corpus.valid_messages()
    name, valid = data.draw(st.sampled_from([("EnrolRequest", request), ("Evidence", evidence)]))
    claims = corpus.claims_of(valid)
    key = data.draw(st.sampled_from(list(claims)))
    if data.draw(st.booleans()):
        claims[key] = data.draw(_values)
    else:
        claims[data.draw(_keys)] = claims.pop(key)
    payload = cbor2.dumps(claims, canonical=data.draw(st.booleans()))
    protected = next(one.protected for one in messages.DEFINITIONS if one.name == name)
    same(cbor2.dumps([protected, {}, payload, bytes(64)]))


@pytest.mark.parametrize(
    "readings",
    [
        {"a": 1.0},
        {"a": True},
        {1: 1},
        {True: 1},
        {b"a": 1},
        {"a": None},
        {"b": 1, "a": 1},
        {"aa": 1, "b": 1},
        {"é" * 11: 1},
        {"é" * 12: 1},
        {"a" * 24: 1},
        {"": 1},
        {f"{number:02}": 1 for number in range(17)},
        [],
        None,
    ],
)
@pytest.mark.parametrize("canonical", [True, False])
def test_over_readings(readings, canonical):
    evidence = corpus.valid_messages()[2]
    claims = corpus.claims_of(evidence)
    claims[-65538] = readings
    payload = cbor2.dumps(claims, canonical=canonical)
    protected = messages.BY_TYPE[messages.EVIDENCE].protected
    same(cbor2.dumps([protected, {}, payload, bytes(64)]))


@settings(max_examples=200, deadline=None)
@given(
    allow=st.booleans(),
    reason=st.integers(0, 255),
    mode=st.integers(0, 1),
    age_s=st.none() | st.integers(0, 0xFFFFFFFF),
    version=st.integers(0, 0xFFFFFFFF),
    counter=st.integers(1, (1 << 63) - 1),
)
def test_a_result_is_sealed_to_the_same_bytes(allow, reason, mode, age_s, version, counter):
    values = {
        "gateway_id": bytes(32),
        "device_id": b"\x01" * 32,
        "subject": b"\x02" * 32,
        "allow": allow,
        "reason": reason,
        "mode": mode,
        "age_s": age_s,
        "policy_version": version,
        "revocation_epoch": 0,
        "counter": counter,
    }

    class Doubler:
        gateway_id = values["gateway_id"]

        def sign(self, digest: bytes) -> bytes:
            return digest + digest

    sealed = verdict.seal(
        Doubler(),
        device_id=values["device_id"],
        subject=values["subject"],
        allow=allow,
        reason=reason,
        freshness=Freshness(mode, age_s),
        policy_version=version,
        counter=counter,
    )
    assert sealed == messages.seal(messages.ATTESTATION_RESULT, values, Doubler().sign)
