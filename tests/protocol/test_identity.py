"""device_id and the other identifiers. Their layouts can never change, so these tests pin them."""

import hashlib

from countersign import identity

KEY = bytes(range(32))


def _tagged(tag, data):
    prefix = hashlib.sha256(tag).digest()
    return hashlib.sha256(prefix + prefix + data).digest()


def _fails(call, *arguments):
    try:
        call(*arguments)
    except ValueError:
        return True
    return False


def test_device_id_layout():
    expected = _tagged(b"countersign/device/1", b"\x01" + hashlib.sha256(KEY).digest() + bytes(32))
    assert identity.device_id(1, KEY) == expected


def test_device_id_is_pinned():
    # Changing this value orphans every device ever enrolled.
    assert identity.device_id(1, KEY) == bytes.fromhex(
        "fbd4421b50498c585aad74db43b892f7fc4401c40dcb5432c3f80f47c283e1d9"
    )


def test_suite_2_has_its_place():
    digest = bytes([5] * 32)
    expected = _tagged(b"countersign/device/1", b"\x02" + hashlib.sha256(KEY).digest() + digest)
    assert identity.device_id(2, KEY, digest) == expected


def test_suite_1_has_no_post_quantum_digest():
    assert _fails(identity.device_id, 1, KEY, bytes([1]) + bytes(31))


def test_refuses_other_suites_and_lengths():
    assert _fails(identity.device_id, 0, KEY)
    assert _fails(identity.device_id, 3, KEY)
    assert _fails(identity.device_id, 1, KEY + b"\x02")
    assert _fails(identity.device_id, 2, KEY, bytes(31))
    assert _fails(identity.gateway_id, KEY[1:])
    assert _fails(identity.next_key_digest, 1, KEY[1:])


def test_gateway_id_and_next_key_digest():
    assert identity.gateway_id(KEY) == _tagged(b"countersign/gateway/1", KEY)
    assert identity.next_key_digest(1, KEY) == _tagged(b"countersign/next-key/1", b"\x01" + KEY)


def test_registration_digest_binds_everything():
    base = [31337, bytes(20), KEY, bytes([1] * 20), 1, bytes([2] * 32)]
    expected = _tagged(
        b"countersign/Registration/1",
        (31337).to_bytes(32, "big") + base[1] + base[2] + base[3] + b"\x01" + base[5],
    )
    assert identity.registration_digest(*base) == expected
    changes = (1, bytes([9]) + bytes(19), bytes(32), bytes(20), 2, bytes(32))
    for index, change in enumerate(changes):
        other = list(base)
        other[index] = change
        assert identity.registration_digest(*other) != expected


def test_registration_digest_refuses_other_widths():
    good = [31337, bytes(20), KEY, bytes(20), 1, bytes(32)]
    for index, wrong in (
        (0, 0),
        (0, 1 << 63),
        (1, bytes(32)),
        (2, bytes(20)),
        (3, b""),
        (4, 256),
        (5, b""),
    ):
        bad = list(good)
        bad[index] = wrong
        assert _fails(identity.registration_digest, *bad)


def test_provisioning_digest_layout():
    parts = [bytes([number] * 32) for number in range(5)]
    expected = _tagged(b"countersign/Provisioning/1", b"".join(parts))
    assert identity.provisioning_digest(*parts) == expected
    for place in range(5):
        wrong = list(parts)
        wrong[place] = wrong[place][1:]
        assert _fails(identity.provisioning_digest, *wrong)
