"""Messages are strict in both directions, and every fault has its reason."""

from countersign import cbor, messages, reasons, suites
from countersign.carriers import kinds
from countersign.messages import attestation
from countersign.proofs import schnorr
from support.protocol import samples

TYPES = [definition.type for definition in messages.DEFINITIONS]


def _refusal(data):
    try:
        messages.open_message(data)
    except reasons.Refused as refused:
        return refused.reason
    return None


def _rebuild(type, wire):
    """A message of this type around any payload item, with an empty signature."""
    payload = wire if isinstance(wire, bytes) else cbor.encode(wire)
    return cbor.encode([messages.BY_TYPE[type].protected, {}, payload, bytes(64)])


def _wire(type):
    return messages.BY_TYPE[type].payload.to_wire(samples.values(type))


def test_round_trip_of_every_type():
    for type in TYPES:
        data = messages.seal(type, samples.values(type), lambda digest: bytes(64))
        message = messages.open_message(data)
        assert message.type == type
        assert message.fields == samples.values(type)


def test_signature_covers_type_and_payload():
    message = messages.open_message(samples.sealed(messages.EVIDENCE))
    assert schnorr.verify(samples.DEVICE_KEY, message.signing_digest(), message.signature)
    other = messages.signing_digest(messages.BY_TYPE[messages.ENROL_PROOF], message.payload)
    assert not schnorr.verify(samples.DEVICE_KEY, other, message.signature)


def test_tags_and_headers_are_distinct():
    assert len(set([d.tag for d in messages.DEFINITIONS])) == len(TYPES)
    assert len(set([d.protected for d in messages.DEFINITIONS])) == len(TYPES)
    assert messages.BY_TYPE[messages.EVIDENCE].protected == bytes.fromhex(
        "a2013a000100003a0001000014"
    )


def test_every_truncation_is_refused():
    data = _rebuild(messages.EVIDENCE, _wire(messages.EVIDENCE))
    for length in range(len(data)):
        assert _refusal(data[:length]) == reasons.TRUNCATED, length
    assert _refusal(data + b"\x00") == reasons.TRAILING_BYTES


def test_size_and_depth():
    assert _refusal(bytes(messages.MAX_MESSAGE_BYTES + 1)) == reasons.OVERSIZED
    assert _refusal(b"\x81" * 100 + b"\x00") == reasons.OVER_DEEP


def test_items_are_counted():
    header = messages.BY_TYPE[messages.EVIDENCE].protected
    for entries, reason in ((63, reasons.BAD_FIELD), (64, reasons.OVERSIZED)):
        payload = cbor.encode([0] * entries)
        assert _refusal(cbor.encode([header, {}, payload, bytes(64)])) == reason
        assert _refusal(cbor.encode([{}] * entries)) == (
            reasons.MALFORMED if reason == reasons.BAD_FIELD else reason
        )
    # Keys count, and what follows the limit is not read.
    payload = cbor.encode(dict([(key, 0) for key in range(32)]))
    assert _refusal(cbor.encode([header, {}, payload, bytes(64)])) == reasons.OVERSIZED
    payload = b"\x99\x07\x00" + bytes(63) + b"\xff" * 1729
    assert _refusal(cbor.encode([header, {}, payload, bytes(64)])) == reasons.OVERSIZED


def test_envelope_shape():
    payload = cbor.encode(_wire(messages.ERROR))
    header = messages.BY_TYPE[messages.ERROR].protected
    good = [header, {}, payload, bytes(64)]
    assert _refusal(cbor.encode(good)) is None
    for bad, reason in (
        ([header, {}, payload], reasons.MALFORMED),
        (good + [0], reasons.MALFORMED),
        ({0: header}, reasons.MALFORMED),
        (0, reasons.MALFORMED),
        ([header, {4: b"kid"}, payload, bytes(64)], reasons.MALFORMED),
        ([header, [], payload, bytes(64)], reasons.MALFORMED),
        ([header, {}, payload, bytes(63)], reasons.MALFORMED),
        ([header, {}, "text", bytes(64)], reasons.MALFORMED),
        ([None, {}, payload, bytes(64)], reasons.MALFORMED),
        ([b"", {}, payload, bytes(64)], reasons.UNKNOWN_MESSAGE),
        ([cbor.encode({1: -65537, -65537: 99}), {}, payload, bytes(64)], reasons.UNKNOWN_MESSAGE),
        ([cbor.encode({1: -7, -65537: 255}), {}, payload, bytes(64)], reasons.UNKNOWN_MESSAGE),
    ):
        assert _refusal(cbor.encode(bad)) == reason, bad


def test_every_field_missing_or_one_too_many():
    for type in TYPES:
        for key in _wire(type):
            wire = _wire(type)
            del wire[key]
            assert _refusal(_rebuild(type, wire)) == reasons.BAD_FIELD, (type, key)
            wire[key + 1000] = 0
            assert _refusal(_rebuild(type, wire)) == reasons.BAD_FIELD, (type, key)
        wire = _wire(type)
        wire[99] = 0
        assert _refusal(_rebuild(type, wire)) == reasons.BAD_FIELD, type


def test_every_field_of_a_wrong_kind():
    wrong = (None, True, -1, 1 << 63, b"", b"\x02" * 33, "", "x" * 64, [], [b""], {}, {"a": True})
    for type in TYPES:
        for key, name, _ in messages.BY_TYPE[type].payload.fields:
            refused = 0
            for item in wrong:
                wire = _wire(type)
                wire[key] = item
                data = _rebuild(type, wire)
                reason = _refusal(data)
                if reason is None:
                    # If it is accepted, it must mean the same when it is made again.
                    fields = messages.open_message(data).fields
                    again = messages.seal(type, fields, lambda digest: bytes(64))
                    assert again == data, (type, name, item)
                else:
                    assert reason == reasons.BAD_FIELD, (type, name, item)
                    refused += 1
            assert refused >= len(wrong) - 2, (type, name)


def test_payload_is_canonical_too():
    payload = cbor.encode(_wire(messages.ERROR))
    # The same map, but its first key is not in the shortest form: 0x01 becomes 0x1801.
    longer = payload[:1] + b"\x18\x01" + payload[2:]
    assert _refusal(_rebuild(messages.ERROR, longer)) == reasons.NON_CANONICAL
    assert _refusal(_rebuild(messages.ERROR, payload + b"\x00")) == reasons.TRAILING_BYTES
    assert _refusal(_rebuild(messages.ERROR, b"")) == reasons.TRUNCATED


def test_seal_refuses_what_open_would():
    for type in TYPES:
        for name in samples.values(type):
            values = samples.values(type)
            values[name] = 1.5
            try:
                messages.seal(type, values, lambda digest: bytes(64))
            except ValueError:
                continue
            raise AssertionError("sealed a wrong " + name)


def test_seal_does_not_quote_values():
    values = samples.values(messages.ENROL_REQUEST)
    values["public_key"] = b"a secret passed by mistake, 33 b."
    try:
        messages.seal(messages.ENROL_REQUEST, values, lambda digest: bytes(64))
    except ValueError as error:
        assert "mistake" not in str(error)
    else:
        raise AssertionError("sealed a key of 33 bytes")


def test_readings_are_bounded():
    for readings in (
        {"": 0},
        {"x" * 24: 0},
        {"\x1b[2J": 0},
        {"a\nb": 0},
        {"\x7f": 0},
        {"\x9b2J": 0},
        {"t\u00e9": 0},
        {"\u202et": 0},
        {1: 0},
        {"t": 0x80000000},
        {"t": -0x80000001},
        {"t": True},
        {"t": "1"},
        dict([("r%02d" % index, 0) for index in range(attestation.MAX_READINGS + 1)]),
    ):
        wire = _wire(messages.EVIDENCE)
        wire[-65538] = readings
        assert _refusal(_rebuild(messages.EVIDENCE, wire)) == reasons.BAD_FIELD, readings


def test_what_people_will_read_is_printable():
    for version in ("", "1.0\x1b[2J", "1\n", "\x00", "\u202e1", "x" * 33):
        wire = _wire(messages.EVIDENCE)
        wire[271] = [version]
        assert _refusal(_rebuild(messages.EVIDENCE, wire)) == reasons.BAD_FIELD, version
    values = samples.values(messages.EVIDENCE)
    values["readings"] = {" !Az~09": 1}
    values["software_version"] = "1.2 (~dev)"
    assert messages.open_message(messages.seal(messages.EVIDENCE, values, lambda d: bytes(64)))


def test_audience_has_one_spelling():
    wire = _wire(messages.EVIDENCE)
    for text in (wire[3].upper(), " " + wire[3][1:], wire[3][:-1], wire[3] + "0", "é" * 32):
        wire[3] = text
        assert _refusal(_rebuild(messages.EVIDENCE, wire)) == reasons.BAD_FIELD, text


def test_largest_messages_fit():
    values = samples.values(messages.RECEIPT)
    values["inclusion_proof"] = [bytes(32)] * attestation.MAX_PROOF_HASHES
    sealed = messages.seal(messages.RECEIPT, values, lambda d: bytes(64))
    assert len(sealed) <= 2048
    assert messages.open_message(sealed).fields == values
    values = samples.values(messages.EVIDENCE)
    values["readings"] = {}
    for index in range(attestation.MAX_READINGS):
        values["readings"]["%-23d" % index] = -0x80000000
    sealed = messages.seal(messages.EVIDENCE, values, lambda d: bytes(64))
    assert len(sealed) <= 2048
    assert messages.open_message(sealed).fields == values


def test_commitment_binds_both():
    one, two = bytes([1] * 32), bytes([2] * 32)
    assert messages.commitment(one, two) != messages.commitment(two, one)
    for bad in ((one, b""), (b"", two)):
        try:
            messages.commitment(*bad)
        except ValueError:
            continue
        raise AssertionError("took a digest of another length")


def test_a_message_comes_under_a_kind_of_its_senders():
    for definition in messages.DEFINITIONS:
        assert definition.kind in kinds.ALL, definition.name
        is_device = definition.sender == messages.DEVICE
        assert is_device == (definition.kind.direction == kinds.UP), definition.name


def test_sizes_are_those_of_the_suite():
    suite = suites.SECP256K1
    assert (suite.public_key_bytes, suite.signature_bytes, suite.max_message_bytes) == (
        32,
        64,
        2048,
    )
    assert suites.SUPPORTED_SUITES == {suites.SUITE_SECP256K1: suite}
    values = samples.values(messages.ERROR)
    longer = suites.Suite(9, "longer", 32, 65, 2048)
    data = messages.seal(messages.ERROR, values, lambda digest: bytes(65), longer)
    assert _refusal(data) == reasons.MALFORMED, "no supported suite has such a signature"
    for size in (0, 63, 65):
        try:
            messages.seal(messages.ERROR, values, lambda digest, size=size: bytes(size))
        except ValueError:
            continue
        raise AssertionError("sealed with a signature of another size")
