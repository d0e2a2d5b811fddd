"""Write the project's own test vectors: tagged.json, cbor.json, schnorr.json, merkle.json.

    python tests/vectors/generate.py            write them
    python tests/vectors/generate.py --check    exit status 1 if a committed file differs

Everything here comes from somewhere else than the code under test: tagged hashes from hashlib,
signatures from libsecp256k1 (coincurve), CBOR from cbor2 or spelt out by hand, trees from the
recursive definition of RFC 9162. Nothing is random, so the files never change by themselves.
"""

import argparse
import json
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER.parent))

from support.differential.oracles import (  # noqa: E402 - found through the line above
    N,
    P,
    cbor_encode,
    challenge_scalar,
    ecdsa_verify,
    libsecp256k1_sign,
    libsecp256k1_verify,
    merkle_head,
    merkle_path,
    merkle_proof,
    multiple_of_generator,
    sha256,
    tagged_hash,
)


def stream(label: str, count: int) -> bytes:
    """`count` bytes that depend on the label only."""
    blocks = [sha256(f"{label}/{i}".encode()) for i in range(count // 32 + 1)]
    return b"".join(blocks)[:count]


# tagged --------------------------------------------------------------------------------------


def tagged() -> list[dict[str, object]]:
    cases = []
    for tag, sizes in (
        ("BIP0340/challenge", (32, 32, 32)),
        ("BIP0340/aux", (32,)),
        ("countersign/device/1", (1, 32, 32)),
        ("countersign/Evidence/1", (200,)),
        ("", ()),
        ("Ä tag outside ASCII", (0, 64, 1)),
    ):
        parts = [stream(f"{tag}{i}", size) for i, size in enumerate(sizes)]
        cases.append(
            {
                "tag": tag,
                "parts": [part.hex() for part in parts],
                "digest": tagged_hash(tag, b"".join(parts)).hex(),
            }
        )
    return cases


# CBOR ----------------------------------------------------------------------------------------


def described(value: object) -> object:
    """A value in JSON, which has neither bytes nor integer keys nor large integers."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        # Beyond 2**53 many JSON readers round.
        return value if abs(value) <= 2**53 else {"int": str(value)}
    if isinstance(value, bytes):
        return {"bytes": value.hex()}
    if isinstance(value, str):
        return {"text": value}
    if isinstance(value, list):
        return {"list": [described(entry) for entry in value]}
    if isinstance(value, dict):
        return {"map": [[described(key), described(entry)] for key, entry in value.items()]}
    raise TypeError(type(value))


ACCEPTED = [
    0, 1, 10, 23, 24, 25, 100, 255, 256, 1000, 65535, 65536, 1000000, 2**32 - 1, 2**32,
    1000000000000, 2**63 - 1, 2**63, 2**64 - 1,
    -1, -10, -24, -25, -100, -256, -257, -65536, -65537, -(2**31), -(2**32), -(2**32) - 1,
    -(2**63), -(2**64),
    False, True, None,
    b"", b"\x01\x02\x03\x04", bytes(23), bytes(24), bytes(255), bytes(256),
    "", "a", "IETF", '"\\', "ü", "水", "𐅑", "\x00", "x" * 23, "x" * 24, "x" * 256,
    "\u007f\u0080\u07ff\u0800\ud7ff\ue000\uffff\U00010000\U0010ffff",
    [], [1, 2, 3], [1, [2, 3], [4, 5]], list(range(25)), [None] * 100, [[[[[[[[]]]]]]]],
    {}, {1: 2, 3: 4}, {"a": 1, "b": [2, 3]}, [{"a": "b"}, {}],
    {0: 0, 23: 0, 24: 0, 256: 0, 65536: 0, -1: 0, -24: 0, -25: 0, -65537: 0, "": 0, "a": 0,
     "b": 0, "aa": 0, "x" * 24: 0},
    {1: {1: {1: {1: {1: {1: {1: {}}}}}}}},
    {i: i for i in range(30)},
]  # fmt: skip


REFUSED = [
    ("", "TRUNCATED", "nothing at all"),
    ("18", "TRUNCATED", "argument of one byte missing"),
    ("1901", "TRUNCATED", "argument of two bytes cut"),
    ("1a000100", "TRUNCATED", "argument of four bytes cut"),
    ("1b00000001000000", "TRUNCATED", "argument of eight bytes cut"),
    ("41", "TRUNCATED", "byte string without its byte"),
    ("62c3", "TRUNCATED", "text cut"),
    ("81", "TRUNCATED", "array without its entry"),
    ("a1", "TRUNCATED", "map without its pair"),
    ("a101", "TRUNCATED", "map without its value"),
    ("8201", "TRUNCATED", "array without its second entry"),
    ("8201a1", "TRUNCATED", "map inside an array cut"),
    ("9a80000000", "TRUNCATED", "array that announces 2**31 entries"),
    ("9bffffffffffffffff", "TRUNCATED", "array that announces 2**64 - 1 entries"),
    ("ba80000000", "TRUNCATED", "map that announces 2**31 pairs"),
    ("bb8000000000000000", "TRUNCATED", "map whose count overflows when doubled"),
    ("5a7fffffff", "TRUNCATED", "byte string that announces 2 GiB"),
    ("7bffffffffffffffff", "TRUNCATED", "text that announces 2**64 - 1 bytes"),
    ("8301", "TRUNCATED", "count above what is left"),
    ("a2010203", "TRUNCATED", "two pairs announced in three bytes"),
    ("00" * 2049, "OVERSIZED", "2049 bytes"),
    ("81" * 9 + "00", "OVER_DEEP", "nine arrays"),
    ("81" * 8 + "80", "OVER_DEEP", "an empty array in eight"),
    ("a100" * 9 + "00", "OVER_DEEP", "nine maps"),
    ("81" * 2000 + "00", "OVER_DEEP", "two thousand arrays"),
    ("1800", "NON_CANONICAL", "0 in two bytes"),
    ("1817", "NON_CANONICAL", "23 in two bytes"),
    ("190018", "NON_CANONICAL", "24 in three bytes"),
    ("1900ff", "NON_CANONICAL", "255 in three bytes"),
    ("1a0000ffff", "NON_CANONICAL", "65535 in five bytes"),
    ("1b00000000ffffffff", "NON_CANONICAL", "2**32 - 1 in nine bytes"),
    ("3800", "NON_CANONICAL", "-1 in two bytes"),
    ("3a0000ffff", "NON_CANONICAL", "-65536 in five bytes"),
    ("580100", "NON_CANONICAL", "length of a byte string in two bytes"),
    ("780161", "NON_CANONICAL", "length of a text in two bytes"),
    ("980100", "NON_CANONICAL", "count of an array in two bytes"),
    ("b8010000", "NON_CANONICAL", "count of a map in two bytes"),
    ("5f4100ff", "NON_CANONICAL", "byte string of indefinite length"),
    ("7f6161ff", "NON_CANONICAL", "text of indefinite length"),
    ("9fff", "NON_CANONICAL", "array of indefinite length"),
    ("bfff", "NON_CANONICAL", "map of indefinite length"),
    ("a201000100", "NON_CANONICAL", "a key twice"),
    ("a2616100616100", "NON_CANONICAL", "a text key twice"),
    ("a202000100", "NON_CANONICAL", "keys in descending order"),
    ("a220000100", "NON_CANONICAL", "a negative key before a positive"),
    ("a2616100" + "0100", "NON_CANONICAL", "a text key before an integer"),
    ("a2200019010000", "NON_CANONICAL", "length-first order of RFC 7049 (-1 before 256)"),
    ("a262616100" + "616200", "NON_CANONICAL", "alphabetical instead of bytewise (aa before b)"),
    ("a1180100", "NON_CANONICAL", "a key in two bytes that needs one"),
    ("8100" + "00", "TRAILING_BYTES", "a byte after an array"),
    ("0000", "TRAILING_BYTES", "two integers"),
    ("a0f6", "TRAILING_BYTES", "null after a map"),
    ("8000" * 20, "TRAILING_BYTES", "many items"),
    ("1c", "MALFORMED", "reserved additional information 28"),
    ("5d", "MALFORMED", "reserved additional information 29"),
    ("9e", "MALFORMED", "reserved additional information 30"),
    ("1f", "MALFORMED", "integer of indefinite length"),
    ("3f", "MALFORMED", "negative integer of indefinite length"),
    ("ff", "MALFORMED", "break without a beginning"),
    ("81ff", "MALFORMED", "break inside a definite array"),
    ("c000", "MALFORMED", "tag 0"),
    ("c249010000000000000000", "MALFORMED", "bignum 2**64"),
    ("d9d9f700", "MALFORMED", "self-described CBOR"),
    ("e0", "MALFORMED", "simple value 0"),
    ("f0", "MALFORMED", "simple value 16"),
    ("f7", "MALFORMED", "undefined"),
    ("f814", "MALFORMED", "false in two bytes"),
    ("f8ff", "MALFORMED", "simple value 255"),
    ("f90000", "MALFORMED", "half-precision 0.0"),
    ("fa00000000", "MALFORMED", "single-precision 0.0"),
    ("fb3ff0000000000000", "MALFORMED", "double-precision 1.0"),
    ("fc", "MALFORMED", "reserved simple value 28"),
    ("a14000", "MALFORMED", "a byte string as key"),
    ("a18000", "MALFORMED", "an array as key"),
    ("a1a000", "MALFORMED", "a map as key"),
    ("a1810000", "MALFORMED", "an array with an entry as key"),
    ("a1f500", "MALFORMED", "true as key"),
    ("a1f600", "MALFORMED", "null as key"),
    ("6180", "MALFORMED", "continuation byte alone"),
    ("61c3", "MALFORMED", "two-byte character cut short"),
    ("62c328", "MALFORMED", "two-byte character without continuation"),
    ("62c080", "MALFORMED", "overlong U+0000"),
    ("62c1bf", "MALFORMED", "overlong U+007F"),
    ("63e08080", "MALFORMED", "overlong U+0000 in three bytes"),
    ("63e09fbf", "MALFORMED", "overlong U+07FF"),
    ("63eda080", "MALFORMED", "surrogate U+D800"),
    ("63edbfbf", "MALFORMED", "surrogate U+DFFF"),
    ("66eda081edb080", "MALFORMED", "a surrogate pair (CESU-8)"),
    ("64f08fbfbf", "MALFORMED", "overlong U+FFFF"),
    ("64f4908080", "MALFORMED", "U+110000"),
    ("64f5808080", "MALFORMED", "lead byte F5"),
    ("64f8808080", "MALFORMED", "lead byte F8"),
    ("61ff", "MALFORMED", "byte FF"),
    ("62e282", "MALFORMED", "three-byte character cut short"),
    ("63c3bcc3", "MALFORMED", "good character, then one cut short"),
]  # fmt: skip


def cbor() -> dict[str, object]:
    accepted = []
    for value in ACCEPTED:
        data = cbor_encode(value)
        accepted.append({"hex": data.hex(), "value": described(value)})
    refused = [{"hex": text, "reason": reason, "what": what} for text, reason, what in REFUSED]
    return {"accepted": accepted, "refused": refused}


# Schnorr -------------------------------------------------------------------------------------


def number(value: int) -> bytes:
    return value.to_bytes(32, "big")


def is_on_curve(x: int) -> bool:
    return pow(x**3 + 7, (P - 1) // 2, P) == 1


def schnorr() -> list[dict[str, object]]:
    cases: list[dict[str, object]] = []

    def add(
        what: str,
        public_key: bytes,
        message: bytes,
        signature: bytes,
        valid: bool,
        secret: bytes | None = None,
        aux: bytes | None = None,
    ) -> None:
        case: dict[str, object] = {
            "what": what,
            "public_key": public_key.hex(),
            "message": message.hex(),
            "signature": signature.hex(),
            "valid": valid,
        }
        if secret is not None and aux is not None:
            case["secret"] = secret.hex()
            case["aux"] = aux.hex()
        for verify in (libsecp256k1_verify, ecdsa_verify):
            if verify(public_key, message, signature) != valid:
                raise SystemExit(f"{verify.__name__} disagrees: {what}")
        cases.append(case)

    secrets = [number(1), number(2), number(N - 1), number(N - 2), number(N // 2)]
    secrets += [stream(f"secret/{i}", 32) for i in range(3)]
    lengths = (32, 0, 1, 31, 33, 64, 200, 1000)
    for i, (secret, length) in enumerate(zip(secrets, lengths, strict=True)):
        x, y = multiple_of_generator(int.from_bytes(secret, "big"))
        message = stream(f"message/{i}", length)
        aux = (bytes(32), b"\xff" * 32, stream(f"aux/{i}", 32))[i % 3]
        parity = "odd" if y & 1 else "even"
        add(
            f"message of {length} bytes, public key of {parity} y",
            number(x),
            message,
            libsecp256k1_sign(secret, message, aux),
            True,
            secret,
            aux,
        )

    # A key pair with even y, and one valid signature to take apart.
    d = int.from_bytes(stream("victim", 32), "big") % N
    if multiple_of_generator(d)[1] & 1:
        d = N - d
    public_key = number(multiple_of_generator(d)[0])
    message = stream("victim's message", 32)
    signature = libsecp256k1_sign(number(d), message, stream("victim's aux", 32))
    r, s = signature[:32], signature[32:]
    response_scalar = int.from_bytes(s, "big")
    add("valid, the base of what follows", public_key, message, signature, True)

    def bad(what: str, public_key: bytes, message: bytes, signature: bytes) -> None:
        add(what, public_key, message, signature, False)

    bad("other message", public_key, bytes(32), signature)
    bad("message one byte longer", public_key, message + b"\x00", signature)
    bad("message empty", public_key, b"", signature)
    bad("other public key", number(multiple_of_generator(2)[0]), message, signature)
    bad("r of another nonce", public_key, message, number(multiple_of_generator(3)[0]) + s)
    bad("s negated", public_key, message, r + number(N - response_scalar))
    bad("s plus 1", public_key, message, r + number((response_scalar + 1) % N))
    bad("first bit of r flipped", public_key, message, bytes([r[0] ^ 0x80]) + r[1:] + s)
    bad("last bit of s flipped", public_key, message, signature[:-1] + bytes([s[-1] ^ 1]))
    bad("r and s exchanged", public_key, message, s + r)

    # s·G - e·P has odd y: made with the nonce that BIP-340 would have negated.
    k = int.from_bytes(stream("nonce", 32), "big") % N
    if not multiple_of_generator(k)[1] & 1:
        k = N - k
    odd_r = number(multiple_of_generator(k)[0])
    e = challenge_scalar(odd_r, public_key, message)
    bad("odd y(R)", public_key, message, odd_r + number((k + e * d) % N))

    # s·G - e·P is the point at infinity: nonce 0, for any r.
    for x in (0, 1, multiple_of_generator(5)[0]):
        e = challenge_scalar(number(x), public_key, message)
        bad(f"R at infinity, r = {min(x, 5)}", public_key, message, number(x) + number(e * d % N))

    bad("r = p", public_key, message, number(P) + s)
    bad("r = p + 1, where r = 1 is on the curve", public_key, message, number(P + 1) + s)
    bad("r = 2**256 - 1", public_key, message, b"\xff" * 32 + s)
    bad("r = 0", public_key, message, bytes(32) + s)
    off = next(x for x in range(1, 100) if not is_on_curve(x))
    bad("r not on the curve", public_key, message, number(off) + s)
    bad("s = n", public_key, message, r + number(N))
    bad("s = n + 1", public_key, message, r + number(N + 1))
    bad("s = 2**256 - 1", public_key, message, r + b"\xff" * 32)
    bad("s = 0", public_key, message, r + bytes(32))
    bad("signature of zeros", public_key, message, bytes(64))
    bad("public key not on the curve", number(off), message, signature)
    bad("public key 0", bytes(32), message, signature)
    bad("public key p", number(P), message, signature)
    bad("public key p + 1, where 1 is on the curve", number(P + 1), message, signature)
    bad("public key 2**256 - 1", b"\xff" * 32, message, signature)
    bad("signature empty", public_key, message, b"")
    bad("signature of 63 bytes", public_key, message, signature[:63])
    bad("signature of 65 bytes", public_key, message, signature + b"\x00")
    bad("signature after a zero byte", public_key, message, b"\x00" + signature)
    bad("public key empty", b"", message, signature)
    bad("public key of 31 bytes", public_key[:31], message, signature)
    bad("public key of 33 bytes, SEC 1 compressed", b"\x02" + public_key, message, signature)
    return cases


# Merkle --------------------------------------------------------------------------------------


def merkle() -> dict[str, object]:
    # The inputs of the Certificate Transparency reference tests, then commitments of 32 bytes.
    texts = ["", "00", "10", "2021", "3031", "40414243"]
    texts += ["5051525354555657", "606162636465666768696a6b6c6d6e6f"]
    leaves = [bytes.fromhex(text) for text in texts] + [stream(f"leaf/{i}", 32) for i in range(9)]
    return {
        "leaves": [leaf.hex() for leaf in leaves],
        "roots": [merkle_head(leaves[:size]).hex() for size in range(len(leaves) + 1)],
        "inclusion": [
            {
                "size": size,
                "index": index,
                "proof": [h.hex() for h in merkle_path(index, leaves[:size])],
            }
            for size, index in (
                (1, 0), (2, 0), (2, 1), (3, 0), (3, 2), (5, 4), (6, 5), (7, 3), (7, 6),
                (8, 0), (8, 5), (11, 10), (13, 8), (16, 15), (17, 0), (17, 16),
            )
        ],
        "consistency": [
            {
                "first": first,
                "second": second,
                "proof": [h.hex() for h in merkle_proof(first, leaves[:second])],
            }
            for first, second in (
                (1, 2), (1, 8), (2, 3), (2, 5), (3, 5), (3, 7), (4, 7), (4, 8), (6, 7), (6, 8),
                (7, 8), (8, 9), (8, 17), (12, 13), (15, 16), (16, 17),
            )
        ],
    }  # fmt: skip


FILES = {"tagged": tagged, "cbor": cbor, "schnorr": schnorr, "merkle": merkle}


def text_of(value: object) -> str:
    # Not escaped: MicroPython's json does not join escaped surrogate pairs.
    text = json.dumps(value, indent=1, ensure_ascii=False) + "\n"
    # The one control character that JSON lets stand: with it the file would not be text.
    return text.replace("\x7f", "\\u007f")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    arguments = parser.parse_args()
    different = 0
    for name, make in FILES.items():
        file = FOLDER / f"{name}.json"
        text = text_of(make())
        if not arguments.check:
            file.write_text(text, encoding="utf-8")
        elif not file.is_file() or file.read_text(encoding="utf-8") != text:
            print(f"{file.name} is out of date: python tests/vectors/generate.py")
            different += 1
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
