"""Signs with a key pair that is prepared once, and computes shared secrets. Only this file uses
private names of coincurve.

`coincurve._libsecp256k1` (its binding of libsecp256k1) and `coincurve.context.GLOBAL_CONTEXT` are
not coincurve's public interface. Its public `PrivateKey.sign_schnorr` prepares the key pair anew
and verifies its own output for every signature, 80 µs in place of 20 µs, of the 130 µs that the
gateway has for a proof (decision 0014). The version is pinned: coincurve 21.0.0, in
constraints.txt. A test in tests/gateway names the file and the decision if a private name is gone.

The omitted check defends against a fault during a repeated deterministic nonce. That cannot happen
here: every nonce is hedged with fresh entropy.
"""

from __future__ import annotations

from typing import Any

from coincurve._libsecp256k1 import ffi, lib  # type: ignore[import-not-found]
from coincurve.context import GLOBAL_CONTEXT

KeyPair = Any  # secp256k1_keypair *


def key_pair(secret_key: bytes) -> KeyPair:
    """The prepared key pair of 32 secret bytes. ValueError if they are not a secret key."""
    prepared = ffi.new("secp256k1_keypair *")
    if not lib.secp256k1_keypair_create(GLOBAL_CONTEXT.ctx, prepared, secret_key):
        raise ValueError("not a secp256k1 secret")
    return prepared


def sign(prepared: KeyPair, digest: bytes, entropy: bytes) -> bytes:
    """A 64-byte BIP-340 signature over 32 bytes, its nonce hedged with 32 bytes of entropy."""
    if len(digest) != 32 or len(entropy) != 32:
        raise ValueError("a digest is 32 bytes, and so is the entropy")
    signature = ffi.new("unsigned char[64]")
    if not lib.secp256k1_schnorrsig_sign32(
        GLOBAL_CONTEXT.ctx, signature, digest, prepared, entropy
    ):
        raise RuntimeError("signing failed")
    return bytes(ffi.buffer(signature, 64))


@ffi.callback("int(unsigned char *, const unsigned char *, const unsigned char *, void *)")  # type: ignore[untyped-decorator]
def _x_alone(output: Any, x32: Any, _y32: Any, _data: Any) -> int:
    ffi.memmove(output, x32, 32)
    return 1


def shared_secret(secret_key: bytes, public_key: bytes) -> bytes:
    """The x (32 bytes) of secret_key·P, in constant time; P is the x-only key's point with even y.

    ValueError if either is no key. coincurve's public `ecdh` gives a hash of the point instead, and
    its public multiplication is not constant-time.
    """
    if len(secret_key) != 32 or len(public_key) != 32:
        raise ValueError("a key is 32 bytes")
    point = ffi.new("secp256k1_pubkey *")
    if not lib.secp256k1_ec_pubkey_parse(GLOBAL_CONTEXT.ctx, point, b"\x02" + public_key, 33):
        raise ValueError("the key belongs to no point")
    output = ffi.new("unsigned char[32]")
    if not lib.secp256k1_ecdh(GLOBAL_CONTEXT.ctx, output, point, secret_key, _x_alone, ffi.NULL):
        raise ValueError("not a secp256k1 secret")
    return bytes(ffi.buffer(output, 32))
