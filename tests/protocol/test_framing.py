"""Frames: a reader returns every frame that was written, and only undamaged frames."""

import hashlib

from countersign.carriers import framing, kinds
from countersign.carriers.framing import Frame, FrameReader, encode

DEVICE = bytes(range(224, 256))


def noise(size, seed=b"noise"):
    data = b""
    while len(data) < size:
        seed = hashlib.sha256(seed).digest()
        data += seed
    return data[:size]


def evidence(payload, sequence=7):
    return Frame(kinds.EVIDENCE.frame, 0xA1B2C3D4, sequence, 2, DEVICE, payload)


def fields(frame):
    return (
        frame.kind,
        frame.session,
        frame.sequence,
        frame.behind,
        frame.device_id,
        frame.payload,
    )


def read(data):
    return [fields(frame) for frame in FrameReader().feed(data)]


def test_every_kind_comes_out_as_it_went_in():
    frames = [
        Frame(framing.ACK, 0, 0),
        Frame(framing.PING, framing.SESSION_MAX, framing.SEQUENCE_MAX),
        Frame(framing.PONG, 1, 2),
        Frame(framing.LISTEN, 1, 2, 3, bytes(32)),
        Frame(kinds.BEACON.frame, 1, 2, 255, b"", b"b"),
    ]
    for kind in (17, 18, 32, 33, 34, 35):
        frames.append(Frame(kind, 5, 6, 0, DEVICE, noise(300)))
    stream = b"".join([encode(frame) for frame in frames])
    assert read(stream) == [fields(frame) for frame in frames]


def test_the_bytes_are_those_that_the_protocol_states():
    data = encode(Frame(framing.ACK, 0x01020304, 5))
    # 00 | 06 then kind and session, a lone 01 for each zero after the first … | 00
    assert data[:7] == b"\x00\x06\x01\x01\x02\x03\x04"
    assert data[7:13] == b"\x01\x01\x01\x01\x02\x05"
    assert data.find(b"\x00", 1) == len(data) - 1


def test_every_length_and_every_pattern_of_zeros():
    sizes = [1, 2, 252, 253, 254, 255, 256, 507, 508, 509, 2047, 2048]
    for size in sizes:
        payloads = [bytes(size), b"\x01" * size, b"\xff" * size, noise(size)]
        payloads.append((b"\x00" + b"\x05" * 253 + b"\x00") * (size // 255 + 1))
        for payload in payloads:
            frame = evidence(payload[:size])
            data = encode(frame)
            assert data[1:-1].find(b"\x00") < 0
            assert len(data) - 2 <= framing.MAX_STUFFED_BYTES
            assert read(data) == [fields(frame)]


def test_any_cutting_into_pieces_gives_the_same_frames():
    frames = [evidence(noise(70, b"1"), 1), evidence(bytes(30), 2)]
    stream = b"".join([encode(frame) for frame in frames])
    expected = [fields(frame) for frame in frames]
    for size in range(1, 40):
        reader = FrameReader()
        found = []
        for start in range(0, len(stream), size):
            found += [fields(frame) for frame in reader.feed(stream[start : start + size])]
        assert found == expected, size
        assert reader.damaged == 0


def test_every_truncation_is_noticed_and_costs_no_other_frame():
    data = encode(evidence(noise(60)))
    after = evidence(b"after", 8)
    for cut in range(len(data) - 1):
        reader = FrameReader()
        found = reader.feed(data[:cut] + encode(after))
        assert [fields(frame) for frame in found] == [fields(after)], cut
        assert reader.damaged == (0 if cut < 2 else 1), cut


def test_every_missing_beginning_is_noticed_and_costs_no_other_frame():
    data = encode(evidence(noise(60)))
    after = evidence(b"after", 8)
    for cut in range(2, len(data)):
        found = read(data[cut:] + encode(after))
        assert found == [fields(after)], cut


def test_every_single_flipped_bit_is_noticed_and_costs_no_other_frame():
    before, after = evidence(b"before", 6), evidence(b"after", 8)
    hit = encode(evidence(noise(60)))
    start, end = encode(before), encode(after)
    for position in range(len(hit)):
        for bit in range(8):
            flipped = bytearray(hit)
            flipped[position] ^= 1 << bit
            found = read(start + bytes(flipped) + end)
            # Each frame has a delimiter on both sides, so the loss of one merges the damaged frame
            # with no other. The frames around it always come through.
            assert found[0] == fields(before) and found[-1] == fields(after), (position, bit)
            if 0 < position < len(hit) - 1:
                assert len(found) == 2, (position, bit)


def test_flipped_bits_anywhere_in_the_longest_frame_are_noticed():
    data = encode(evidence(noise(2048)))
    for position in range(1, len(data) - 1, 31):
        flipped = bytearray(data)
        flipped[position] ^= 1 << (position % 8)
        assert read(bytes(flipped)) == []


def test_garbage_between_frames_costs_none():
    frames = [evidence(noise(40, b"f%d" % n), n) for n in range(6)]
    reader = FrameReader()
    found = []
    for number, frame in enumerate(frames):
        garbage = noise(500 * number, b"g%d" % number)
        text = b'{"event": "connected"}\r\n'
        found += reader.feed(garbage + text + encode(frame))
    assert [fields(frame) for frame in found] == [fields(frame) for frame in frames]
    assert reader.damaged >= len(frames)


def test_an_endless_frame_is_dropped_and_its_memory_stays_bounded():
    for filler in (b"\x01", b"\xff", b"\x80"):
        reader = FrameReader()
        for _ in range(40):
            assert reader.feed(filler * 512) == []
            assert len(reader._stuffed) <= framing.MAX_STUFFED_BYTES
        assert reader.feed(b"\x00") == []
        assert reader.damaged == 1
        assert len(reader.feed(encode(evidence(b"x")))) == 1


def test_noise_alone_is_never_a_frame():
    reader = FrameReader()
    for number in range(60):
        assert reader.feed(noise(512, b"n%d" % number)) == []


def sealed(content):
    """A frame with a right CRC and any content."""
    import binascii

    content += binascii.crc32(content).to_bytes(4, "big")
    return b"\x00" + framing._stuff(content) + b"\x00"


def test_a_right_checksum_does_not_make_a_frame_of_anything():
    header = bytes([0, 0, 0, 1]) + bytes([0, 0, 0, 0, 0, 2]) + b"\x00"
    assert len(read(sealed(bytes([kinds.EVIDENCE.frame]) + header + DEVICE + b"x"))) == 1
    wrong = [
        b"",
        bytes([framing.ACK]),
        bytes([framing.ACK]) + header[:-1],
        bytes([framing.ACK]) + header + b"x",
        bytes([framing.LISTEN]) + header + DEVICE[:31],
        bytes([framing.LISTEN]) + header + DEVICE + b"x",
        bytes([kinds.EVIDENCE.frame]) + header + DEVICE,
        bytes([kinds.EVIDENCE.frame]) + header + DEVICE[:20],
        bytes([kinds.BEACON.frame]) + header,
        bytes([0]) + header + DEVICE + b"x",
        bytes([99]) + header + DEVICE + b"x",
    ]
    for content in wrong:
        reader = FrameReader()
        assert reader.feed(sealed(content)) == []
        assert reader.damaged == 1


def test_what_is_no_frame_is_not_sent():
    wrong = [
        Frame(framing.ACK, 1, 1, 0, DEVICE),
        Frame(framing.LISTEN, 1, 1),
        Frame(kinds.EVIDENCE.frame, 1, 1, 0, DEVICE, b""),
        Frame(kinds.EVIDENCE.frame, 1, 1, 0, DEVICE, bytes(2049)),
        Frame(kinds.EVIDENCE.frame, 1, 1, 0, DEVICE[:31], b"x"),
        Frame(kinds.BEACON.frame, 1, 1, 0, b"", b""),
        Frame(99, 1, 1, 0, DEVICE, b"x"),
    ]
    for frame in wrong:
        try:
            encode(frame)
        except ValueError:
            continue
        raise AssertionError("sent: kind " + str(frame.kind))


def test_a_kind_has_one_name_and_one_number_of_its_own():
    assert len(set([kind.name for kind in kinds.ALL])) == len(kinds.ALL)
    assert len(framing.KINDS) == len(kinds.ALL)
    for kind in kinds.ALL:
        assert framing.LISTEN < kind.frame <= 255, kind.name
