"""BIP-340: the official vectors, the project's own, and the required refusals and exceptions."""

from countersign.proofs import curve, engines, schnorr
from support.protocol import vector_files
from support.protocol.fake_native import Broken
from support.skip import skip

SECRET = bytes([7] * 32)
MESSAGE = bytes([1] * 32)
ENTROPY = bytes([3] * 32)


def raised(call, *arguments):
    """The type and text of the exception that a call raises."""
    try:
        call(*arguments)
    except Exception as error:  # noqa: BLE001 - any kind is an answer here
        return type(error), str(error)
    return None, ""


def test_official_vectors():
    file = vector_files.open_official("bip340.csv")
    if file is None:
        skip("no bip340.csv: set COUNTERSIGN_VECTORS to the folder of the official vectors")
    checked = 0
    with file:
        file.readline()
        for line in file:
            columns = line.strip().split(",")
            if len(columns) < 7:
                continue
            number, secret, public_key, entropy, message, signature, result = columns[:7]
            public_key = bytes.fromhex(public_key)
            message = bytes.fromhex(message)
            signature = bytes.fromhex(signature)
            if secret:
                secret = bytes.fromhex(secret)
                assert schnorr.public_key(secret) == public_key, number
                assert schnorr.sign(secret, message, bytes.fromhex(entropy)) == signature, number
            assert schnorr.verify(public_key, message, signature) == (result == "TRUE"), number
            checked += 1
    assert checked >= 19


def test_committed_vectors():
    signed = 0
    refused = 0
    for case in vector_files.load("schnorr"):
        public_key = bytes.fromhex(case["public_key"])
        message = bytes.fromhex(case["message"])
        signature = bytes.fromhex(case["signature"])
        if "secret" in case:
            secret = bytes.fromhex(case["secret"])
            assert schnorr.public_key(secret) == public_key, case["what"]
            made = schnorr.sign(secret, message, bytes.fromhex(case["aux"]))
            assert made == signature, case["what"]
            signed += 1
        assert schnorr.verify(public_key, message, signature) is case["valid"], case["what"]
        refused += not case["valid"]
    assert signed == 8
    assert refused == 36


def test_sign_is_a_function_of_key_message_and_entropy():
    signature = schnorr.sign(SECRET, MESSAGE, ENTROPY)
    assert len(signature) == 64
    assert schnorr.sign(SECRET, MESSAGE, ENTROPY) == signature
    assert schnorr.sign(SECRET, MESSAGE, ENTROPY, True) == signature
    prover = schnorr.Prover(SECRET)
    assert prover.public_key == schnorr.public_key(SECRET)
    assert prover.sign(MESSAGE, ENTROPY) == signature
    assert prover.sign(MESSAGE, ENTROPY, True) == signature
    # A nonce that serves two statements reveals the key, so no two may share a nonce.
    others = [
        schnorr.sign(SECRET, MESSAGE, bytes(32)),
        schnorr.sign(SECRET, MESSAGE + b"\x00", ENTROPY),
        schnorr.sign(bytes([8] * 32), MESSAGE, ENTROPY),
        signature,
    ]
    assert len(set([other[:32] for other in others])) == 4


def test_every_bit_counts():
    public_key = schnorr.public_key(SECRET)
    signature = schnorr.sign(SECRET, MESSAGE, ENTROPY)
    assert schnorr.verify(public_key, MESSAGE, signature)
    # Every 9th bit covers every byte, and each bit position in a byte.
    for bit in range(0, 512, 9):
        flipped = bytearray(signature)
        flipped[bit >> 3] ^= 1 << (bit & 7)
        assert not schnorr.verify(public_key, MESSAGE, bytes(flipped)), bit
    for bit in range(0, 256, 27):
        flipped = bytearray(MESSAGE)
        flipped[bit >> 3] ^= 1 << (bit & 7)
        assert not schnorr.verify(public_key, bytes(flipped), signature), bit
        flipped = bytearray(public_key)
        flipped[bit >> 3] ^= 1 << (bit & 7)
        assert not schnorr.verify(bytes(flipped), MESSAGE, signature), bit


def test_keys_take_turns():
    # The code keeps the last key's table, and must not use it for another key.
    secrets = [bytes([i] * 32) for i in (1, 2, 3)]
    keys = [schnorr.public_key(secret) for secret in secrets]
    signatures = [schnorr.sign(secret, MESSAGE, ENTROPY) for secret in secrets]
    for i in (0, 1, 0, 0, 2, 1, 2, 2, 0):
        for j in (0, 1, 2):
            assert schnorr.verify(keys[i], MESSAGE, signatures[j]) == (i == j)


def test_verify_never_raises_on_what_a_peer_sent():
    public_key = schnorr.public_key(SECRET)
    signature = schnorr.sign(SECRET, MESSAGE, ENTROPY)
    strange = [None, 0, 1, True, -1, 64, "", "a" * 64, "a" * 32, [], [0] * 64, {}, (1,), 1.5]
    strange += [object(), bytes, b"", bytes(31), bytes(33), bytes(63), bytes(65), bytes(1000)]
    for value in strange:
        assert schnorr.verify(public_key, MESSAGE, value) is False
        assert schnorr.verify(value, MESSAGE, signature) is False
        assert schnorr.verify(value, MESSAGE, value) is False


def test_other_kinds_of_bytes():
    public_key = schnorr.public_key(SECRET)
    signature = schnorr.sign(bytearray(SECRET), memoryview(MESSAGE), bytearray(ENTROPY))
    assert signature == schnorr.sign(SECRET, MESSAGE, ENTROPY)
    for kind in (bytes, bytearray, memoryview):
        assert schnorr.verify(kind(public_key), kind(MESSAGE), kind(signature)) is True
        assert schnorr.verify(kind(public_key), kind(MESSAGE), kind(bytes(64))) is False


def test_misuse_raises():
    order = curve.N.to_bytes(32, "big")
    for secret in (bytes(32), order, b"\xff" * 32, bytes(31), bytes(33), b"", None, 7, "a" * 32):
        assert raised(schnorr.public_key, secret)[0] is ValueError
        assert raised(schnorr.sign, secret, MESSAGE, ENTROPY)[0] is ValueError
    for entropy in (b"", bytes(31), bytes(33), None, 0, "a" * 32):
        assert raised(schnorr.sign, SECRET, MESSAGE, entropy)[0] is ValueError
    assert raised(schnorr.sign, SECRET, MESSAGE)[0] is TypeError  # entropy is not optional
    public_key = schnorr.public_key(SECRET)
    signature = schnorr.sign(SECRET, MESSAGE, ENTROPY)
    for message in (None, 0, "text", [1]):
        assert raised(schnorr.sign, SECRET, message, ENTROPY)[0] is TypeError
        assert raised(schnorr.verify, public_key, message, signature)[0] is TypeError


def test_secrets_stay_out_of_texts():
    secret = b"\xf1\xf2" * 16  # this key is in range, but the lengths below are wrong
    for bad in (secret[:31], secret + b"\xf1", b"\xff" * 32):
        text = raised(schnorr.Prover, bad)[1]
        assert "f1" not in text and "255" not in text and "241" not in text
    text = repr(schnorr.Prover(secret)) + str(schnorr.Prover(secret))
    assert "f1f2" not in text and str(int.from_bytes(secret, "big")) not in text


def test_self_check_catches_a_fault():
    # A glitch may make k·G wrong, and the signature would then reveal something of the key.
    prover = schnorr.Prover(SECRET)
    right = engines.active

    def wrong(k):
        return right.generate((int.from_bytes(k, "big") + 1).to_bytes(32, "big"))

    engines.active = Broken(right, generate=wrong)
    try:
        assert raised(prover.sign, MESSAGE, ENTROPY, True)[0] is RuntimeError
        unchecked = prover.sign(MESSAGE, ENTROPY)
    finally:
        engines.active = right
    assert not schnorr.verify(prover.public_key, MESSAGE, unchecked)
