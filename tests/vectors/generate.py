"""Write the project's own test vectors, the JSON files beside this one; README.md says what is in
each.

    python tests/vectors/generate.py            write them
    python tests/vectors/generate.py --check    exit status 1 if a committed file differs

Everything here comes from somewhere else than the code under test: tagged hashes from hashlib,
signatures from libsecp256k1 (coincurve), CBOR from cbor2 or spelt out by hand, trees from the
recursive definition of RFC 9162. Nothing is random, so the files never change by themselves.
"""

import argparse
import base64
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
from vectors import exchange, gateway_cases, line_cases  # noqa: E402
from vectors.cbor_cases import ACCEPTED, REFUSED  # noqa: E402


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
    """A value as JSON, which has no bytes, no integer keys and no large integers."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        # Many JSON readers round integers beyond 2**53.
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

    # A key pair with even y, and one valid signature from which the other cases are derived.
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

    # s·G - e·P has odd y, because the signature uses the nonce that BIP-340 would have negated.
    k = int.from_bytes(stream("nonce", 32), "big") % N
    if not multiple_of_generator(k)[1] & 1:
        k = N - k
    odd_r = number(multiple_of_generator(k)[0])
    e = challenge_scalar(odd_r, public_key, message)
    bad("odd y(R)", public_key, message, odd_r + number((k + e * d) % N))

    # s·G - e·P is the point at infinity, because the nonce is 0. This holds for any r.
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
    # The inputs of the Certificate Transparency reference tests come first, then commitments of 32
    # bytes.
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


# A board's heap holds a case of these, not the whole file: each case stands on a line of its own.
BY_LINE = ("messages", "refused", "unbelieved", "frames")


# Accounts of a broker ------------------------------------------------------------------------


def accounts() -> list[dict[str, object]]:
    cases = []
    for i, site in enumerate(("a", "store-0042", "x" * 32, "ward-3", "s-1")):
        device, site_account = (
            int.from_bytes(stream(f"{who}/{i}", 32), "big") % N for who in ("device", "account")
        )
        device_key, account_key = (
            number(multiple_of_generator(secret)[0]) for secret in (device, site_account)
        )
        # The product of both secrets: x does not depend on the sign of either.
        shared = number(multiple_of_generator(device * site_account % N)[0])
        named = tagged_hash("countersign/device/1", b"\x01" + sha256(device_key) + bytes(32))
        cases.append(
            {
                "site": site,
                "device_secret": number(device).hex(),
                "device_key": device_key.hex(),
                "site_account_secret": number(site_account).hex(),
                "site_account_key": account_key.hex(),
                "shared": shared.hex(),
                "username": named.hex(),
                "password": base64url("countersign/BrokerPassword/1", shared, site),
                "lobby_username": f"lobby-{named[0] % 64:02d}",
                "lobby_password": base64url("countersign/LobbyPassword/1", account_key, site),
            }
        )
    return cases


def base64url(tag: str, key: bytes, site: str) -> str:
    digest = tagged_hash(tag, key + site.encode())
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


FILES = {
    "tagged": tagged,
    "cbor": cbor,
    "schnorr": schnorr,
    "merkle": merkle,
    "messages": lambda: exchange.messages(described),
    "refused": exchange.refused_messages,
    "unbelieved": gateway_cases.unbelieved,
    "statements": exchange.statements,
    "frames": line_cases.frames,
    "accounts": accounts,
}


def text_of(name: str, value: object) -> str:
    if name in BY_LINE and isinstance(value, list):
        return "[\n" + ",\n".join(json.dumps(case, ensure_ascii=False) for case in value) + "\n]\n"
    # The text is not escaped, because MicroPython's json does not join escaped surrogate pairs.
    text = json.dumps(value, indent=1, ensure_ascii=False) + "\n"
    # JSON permits this one control character unescaped, but with it the file would not be text.
    return text.replace("\x7f", "\\u007f")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    arguments = parser.parse_args()
    different = 0
    for name, make in FILES.items():
        file = FOLDER / f"{name}.json"
        text = text_of(name, make())
        if not arguments.check:
            file.write_text(text, encoding="utf-8")
        elif not file.is_file() or file.read_text(encoding="utf-8") != text:
            print(f"{file.name} is out of date: python tests/vectors/generate.py")
            different += 1
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
