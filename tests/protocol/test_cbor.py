"""Deterministic CBOR: one encoding for each value, one reason for each fault."""

import hashlib

from countersign import cbor, reasons
from countersign.suites import MAX_MESSAGE_BYTES
from support.protocol import vector_files


def outcome(data, max_bytes=MAX_MESSAGE_BYTES, max_depth=cbor.MAX_DEPTH):
    """The name of the reason if the decoder refuses `data`, or None if it decodes."""
    try:
        cbor.decode(data, max_bytes, max_depth)
    except reasons.Refused as refused:
        return reasons.NAMES[refused.reason]
    return None


def same(one, other):
    """Equality that distinguishes True from 1 at every depth."""
    if type(one) is not type(other):
        return False
    if isinstance(one, list):
        return len(one) == len(other) and all([same(a, b) for a, b in zip(one, other)])
    if isinstance(one, dict):
        if len(one) != len(other):
            return False
        return all([key in other and same(value, other[key]) for key, value in one.items()])
    return one == other


def unencodable(value):
    try:
        cbor.encode(value)
    except ValueError:
        return True
    return False


def test_vectors_accepted():
    for case in vector_files.load("cbor")["accepted"]:
        data = bytes.fromhex(case["hex"])
        value = vector_files.value_of(case["value"])
        assert cbor.encode(value) == data, case["hex"]
        assert same(cbor.decode(data), value), case["hex"]


def test_vectors_refused():
    for case in vector_files.load("cbor")["refused"]:
        data = bytes.fromhex(case["hex"])
        assert outcome(data) == case["reason"], case["what"]


def test_every_truncation_is_truncated():
    for case in vector_files.load("cbor")["accepted"]:
        data = bytes.fromhex(case["hex"])
        for length in range(len(data)):
            assert outcome(data[:length]) == "TRUNCATED", (case["hex"], length)


def test_every_extension_has_trailing_bytes():
    for case in vector_files.load("cbor")["accepted"]:
        data = bytes.fromhex(case["hex"])
        for extra in (b"\x00", b"\xff", b"\x80"):
            assert outcome(data + extra) == "TRAILING_BYTES", case["hex"]


def test_every_initial_byte():
    # Each first byte comes alone, and with 16 zero bytes for its argument and content.
    for initial in range(256):
        major = initial >> 5
        info = initial & 31
        alone = outcome(bytes([initial]))
        padded = outcome(bytes([initial]) + bytes(16))
        if major == 7:
            known = info in (20, 21, 22)
            assert alone == (None if known else "MALFORMED"), initial
            assert padded == ("TRAILING_BYTES" if known else "MALFORMED"), initial
        elif info > 27:
            indefinite = info == 31 and major in (2, 3, 4, 5)
            expected = "NON_CANONICAL" if indefinite else "MALFORMED"
            assert alone == padded == expected, initial
        elif info >= 24:
            # An argument of zeros is never in the shortest form.
            assert alone == "TRUNCATED", initial
            assert padded == "NON_CANONICAL", initial
        elif major == 6:
            assert alone == padded == "MALFORMED", initial
        elif major in (0, 1) or info == 0:
            assert alone is None, initial
            assert padded == "TRAILING_BYTES", initial
        else:
            assert alone == "TRUNCATED", initial


def test_head_boundaries():
    # The largest argument of each width and the smallest of the next, each in all five widths.
    for width, argument in ((0, 23), (1, 24), (1, 255), (2, 256), (2, 65535), (4, 65536),
                            (4, 0xFFFFFFFF), (8, 1 << 32), (8, (1 << 64) - 1)):  # fmt: skip
        for major in (0, 1):
            for info, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
                if argument >> 8 * size:
                    continue
                data = bytes([major << 5 | info]) + argument.to_bytes(size, "big")
                expected = None if size == width else "NON_CANONICAL"
                assert outcome(data) == expected, (major, argument, size)
            value = argument if major == 0 else -1 - argument
            assert cbor.decode(cbor.encode(value)) == value


def test_announced_sizes_are_refused_before_anything_is_made():
    # A decoder that allocated one of these, or looped over it, would hang a board.
    for major in (2, 3, 4, 5):
        for count in (1 << 16, 1 << 31, (1 << 32) - 1, 1 << 32, 1 << 63, (1 << 64) - 1):
            size = 4 if count < 1 << 32 else 8
            head = bytes([major << 5 | (26 if size == 4 else 27)]) + count.to_bytes(size, "big")
            assert outcome(head) == "TRUNCATED", (major, count)
            assert outcome(head + bytes(100)) == "TRUNCATED", (major, count)
            assert outcome(b"\x81" + head) == "TRUNCATED", (major, count)


def test_count_is_exact_where_it_just_fits():
    assert outcome(b"\x58\x20" + bytes(32)) is None
    assert outcome(b"\x58\x20" + bytes(31)) == "TRUNCATED"
    assert outcome(b"\x83\x00\x00\x00") is None
    assert outcome(b"\x83\x00\x00") == "TRUNCATED"
    assert outcome(b"\xa2\x00\x00\x01\x00") is None
    assert outcome(b"\xa2\x00\x00\x01") == "TRUNCATED"


def test_size_limit():
    data = b"\x59\x07\xfd" + bytes(2045)
    assert len(data) == MAX_MESSAGE_BYTES
    assert outcome(data) is None
    assert outcome(data + b"\x00") == "OVERSIZED"
    assert outcome(b"\x00", 0) == "OVERSIZED"
    assert outcome(b"", 0) == "TRUNCATED"
    assert outcome(bytes(5), 4) == "OVERSIZED"


def test_depth_limit():
    for opening in (b"\x81", b"\xa1\x00"):
        for levels in range(1, 12):
            data = opening * levels + b"\x00"
            assert outcome(data) == (None if levels <= 8 else "OVER_DEEP"), levels
            assert outcome(data, 2048, levels) is None
            assert outcome(data, 2048, levels - 1) == "OVER_DEEP"
    assert outcome(b"\x00", 2048, 0) is None
    assert outcome(b"\x80", 2048, 0) == "OVER_DEEP"
    # Depth is the number of open arrays and maps, not their total number.
    assert outcome(b"\x98\x64" + b"\x81\x80" * 100) is None


def test_depth_never_exhausts_the_stack():
    deep = b"\x81" * 1999 + b"\x80"
    assert outcome(deep) == "OVER_DEEP"
    # A caller may allow a greater depth, and the decoder needs no recursion for it.
    value = cbor.decode(deep, 2048, 2048)
    levels = 1
    while value:
        value = value[0]
        levels += 1
    assert levels == 2000


def test_map_keys():
    good = cbor.encode({0: 0, 1: 0, -1: 0, "a": 0})
    assert good == bytes.fromhex("a4" + "0000" + "0100" + "2000" + "616100")
    # This tries every other order of the same four pairs.
    pairs = ["0000", "0100", "2000", "616100"]
    refused = 0
    for a in pairs:
        for b in pairs:
            for c in pairs:
                for d in pairs:
                    order = [a, b, c, d]
                    expected = None if order == pairs else "NON_CANONICAL"
                    assert outcome(bytes.fromhex("a4" + "".join(order))) == expected, order
                    refused += expected is not None
    assert refused == 255


def test_nested_maps_keep_their_own_order():
    # The inner map's keys are below the outer's last key: each map has its own order.
    value = {5: {1: 0, 2: 0}, 6: [{0: 0}, {0: 0}]}
    assert same(cbor.decode(cbor.encode(value)), value)


def test_true_is_not_one():
    assert cbor.encode(True) == b"\xf5" and cbor.encode(1) == b"\x01"
    assert cbor.encode(False) == b"\xf4" and cbor.encode(0) == b"\x00"
    assert cbor.decode(b"\xf5") is True and cbor.decode(b"\xf4") is False
    assert not isinstance(cbor.decode(b"\x01"), bool)


def test_encode_refuses_what_decode_would():
    bad = [1 << 64, -(1 << 64) - 1, 1.0, 0.0, bytearray(b"a"), (1, 2), {1.5: 0}, {b"a": 0}]
    bad += [{None: 0}, {True: 0}, {(1, 2): 0}, object(), int, "\ud800", "a\udfff"]
    for value in bad:
        assert unencodable(value)
        assert unencodable([value])
        assert unencodable({1: value})
    for levels in range(12):
        lists = maps = 0
        for _ in range(levels):
            lists = [lists]
            maps = {0: maps}
        assert unencodable(lists) is unencodable(maps) is (levels > 8), levels
    itself = []
    itself.append(itself)
    assert unencodable(itself)
    itself = {}
    itself[0] = itself
    assert unencodable(itself)


def test_decode_takes_bytes_only():
    for value in (bytearray(b"\x00"), "\x00", None, 0, memoryview(b"\x00")):
        try:
            cbor.decode(value)
        except TypeError:
            continue
        raise AssertionError("decoded something that is not bytes")


def test_every_two_byte_text():
    # All 65536 pairs would take a board minutes. These cover every class of lead and continuation.
    edges = (0x00, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0,
             0xEC, 0xED, 0xEE, 0xEF, 0xF0, 0xF3, 0xF4, 0xF5, 0xF7, 0xF8, 0xFF)  # fmt: skip
    good = 0
    for first in edges:
        for second in edges:
            ascii = first < 0x80 and second < 0x80
            pair = 0xC2 <= first <= 0xDF and 0x80 <= second <= 0xBF
            result = outcome(bytes([0x62, first, second]))
            assert result == (None if ascii or pair else "MALFORMED"), (first, second)
            good += result is None
    assert good == 3 * 3 + 2 * 6


def test_text_boundaries():
    # RFC 3629 §4: the first and last of each row, and the values just outside it.
    for text, good in (
        ("e0a080", True), ("e09fbf", False), ("ecbfbf", True), ("ed9fbf", True),
        ("eda080", False), ("edbfbf", False), ("ee8080", True), ("efbfbf", True),
        ("e0a07f", False), ("e0a0c0", False), ("efc080", False), ("efbf", False),
        ("f0908080", True), ("f08fbfbf", False), ("f3bfbfbf", True), ("f48fbfbf", True),
        ("f4908080", False), ("f0907f80", False), ("f09080c0", False), ("f09080", False),
        ("c280", True), ("dfbf", True), ("c1bf", False), ("41c2", False), ("80", False),
    ):  # fmt: skip
        raw = bytes.fromhex(text)
        data = bytes([0x60 | len(raw)]) + raw
        assert outcome(data) == (None if good else "MALFORMED"), text
        if good:
            assert cbor.encode(cbor.decode(data)) == data, text


def mutations(data, seed):
    """Six changes by a hostile or faulty sender to a message, the same on every runtime."""
    random = hashlib.sha256(seed + data).digest()
    place = (random[0] << 8 | random[1]) % (len(data) + 1)
    yield data[:place] + random[2:3] + data[place:]
    yield data[:place] + data[place + 1 :]
    yield data[:place] + random[3:4] + data[place + 1 :]
    yield (
        data[:place]
        + bytes([data[place] ^ 1 << random[4] % 8 if place < len(data) else 0])
        + (data[place + 1 :])
    )
    yield data[:place] + data[place // 2 :]
    yield random[: random[5] % 32]


def test_mutations_decode_to_themselves_or_are_refused():
    outcomes = hashlib.sha256()
    for case in vector_files.load("cbor")["accepted"]:
        data = bytes.fromhex(case["hex"])
        for seed in (b"1", b"2"):
            for mutated in mutations(data, seed):
                reason = outcome(mutated)
                if reason is None:
                    assert cbor.encode(cbor.decode(mutated)) == mutated, mutated
                outcomes.update(str(reason).encode())
    # Every runtime gives these thousand inputs the same reasons, in this order.
    digest = outcomes.digest()
    assert digest[:8] == bytes.fromhex("ae9e3dd7ba7baf8b"), digest[:8]
