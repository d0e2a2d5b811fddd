"""Test vectors for the contracts, made by our own prover and identifiers.

The Solidity side must accept what the Python side signs, and must refuse a signature for another
purpose. Everything is derived from fixed labels, so the same sources give the same file. Its keys
protect nothing.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from web3 import Web3

from countersign import identity
from countersign.proofs import curve, schnorr
from countersign.tagged import tagged_sha256
from countersign_workshop.checkout import ROOT
from countersign_workshop.ledger.deployment import address_text

SOLIDITY_FILE = ROOT / "contracts/test/support/Vectors.sol"

_CHAIN_ID = 31337
_CLASS = identity.CLASS_STANDARD


def _label(text: str) -> bytes:
    return sha256(f"countersign test vector: {text}".encode()).digest()


_DEPLOYER = _label("deployer")[:20]
# An account's first contract has this address: keccak256 of the RLP of [account, 0].
_REGISTRY = bytes(Web3.keccak(b"\xd6\x94" + _DEPLOYER + b"\x80")[12:])
_OWNER = _label("owner")[:20]
_OTHER_OWNER = _label("other owner")[:20]


@dataclass(frozen=True)
class _Device:
    """A device with its keys, which exist for these vectors only."""

    secret: bytes
    public_key: bytes
    device_id: bytes
    next_key_digest: bytes


@dataclass(frozen=True)
class _Case:
    """One call of addDevice: the submitted arguments, in the order of the struct in Solidity."""

    name: str
    device_id: bytes
    public_key: bytes
    next_key_digest: bytes
    owner: bytes
    device_class: int
    nonce_x: int
    nonce_y: int
    response_scalar: int


def solidity() -> str:
    """The text of contracts/test/support/Vectors.sol."""
    return f"""\
// SPDX-License-Identifier: Apache-2.0
// Written by `python -m countersign_workshop.ledger.contracts abi`; the prover is our Python one.
pragma solidity 0.8.37;

/// @title Registrations that the contract must accept, and forgeries that it must refuse
/// @dev All are for the chain CHAIN_ID and the first contract that DEPLOYER creates.
library Vectors {{
    struct Case {{
        string name;
        bytes32 deviceId;
        uint256 publicKey;
        bytes32 nextKeyDigest;
        address owner;
        uint8 deviceClass;
        uint256 nonceX;
        uint256 nonceY;
        uint256 responseScalar;
    }}

    uint256 internal constant CHAIN_ID = {_CHAIN_ID};
    address internal constant DEPLOYER = {address_text(_DEPLOYER)};
    address internal constant REGISTRY = {address_text(_REGISTRY)};
    address internal constant OWNER = {address_text(_OWNER)};
    address internal constant OTHER_OWNER = {address_text(_OTHER_OWNER)};

    /// @notice What devices signed, and are entered with.
    function accepted() internal pure returns (Case[] memory cases) {{
{_solidity_cases(list(_accepted()))}    }}

    /// @notice What was signed, but not for this; each must revert with InvalidProof.
    function forged() internal pure returns (Case[] memory cases) {{
{_solidity_cases(list(_forged()))}    }}
}}
"""


def provide_official(folder: Path) -> None:
    """Write the official BIP-340 vectors into `folder` as bip340.bin, if this machine has them.

    Six words of 32 bytes each: public key, message, nonce x, nonce y, response scalar, 1 or 0.
    Vectors whose message is not 32 bytes are left out: the contract has no such messages.
    """
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / "bip340.bin"
    target.unlink(missing_ok=True)
    source = Path(os.environ.get("COUNTERSIGN_VECTORS", ROOT.parent / "shared/vectors"))
    if not (source / "bip340.csv").is_file():
        return
    words = []
    with (source / "bip340.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            public_key, message, signature = (
                bytes.fromhex(row[name]) for name in ("public key", "message", "signature")
            )
            if len(message) != 32:
                continue
            lifted: Any = curve.lift_x(signature[:32])
            nonce_y = 0 if lifted is None else lifted[1]
            valid = int(row["verification result"] == "TRUE")
            words += [public_key, message, signature[:32], nonce_y.to_bytes(32, "big")]
            words += [signature[32:], valid.to_bytes(32, "big")]
    target.write_bytes(b"".join(words))


def _device(name: str) -> _Device:
    secret = _label(f"{name}, secret")
    public_key = schnorr.public_key(secret)
    next_public_key = schnorr.public_key(_label(f"{name}, next secret"))
    return _Device(
        secret,
        public_key,
        identity.device_id(identity.SUITE_SECP256K1, public_key),
        identity.next_key_digest(identity.SUITE_SECP256K1, next_public_key),
    )


def _case(
    name: str,
    device: _Device,
    *,
    signer: _Device | None = None,
    chain_id: int = _CHAIN_ID,
    contract: bytes = _REGISTRY,
    device_id: bytes | None = None,
    owner: bytes = _OWNER,
    device_class: int = _CLASS,
    next_key_digest: bytes | None = None,
) -> _Case:
    """Submit `device` for _OWNER in _CLASS. The named arguments say which statement was signed."""
    digest = identity.registration_digest(
        chain_id,
        contract,
        device_id or device.device_id,
        owner,
        device_class,
        next_key_digest or device.next_key_digest,
    )
    return _submitted(name, device, _sign(signer or device, digest))


def _submitted(name: str, device: _Device, signature: bytes) -> _Case:
    point: Any = curve.lift_x(signature[:32])
    if point is None:
        raise ValueError("our own signature has no point")
    return _Case(
        name=name,
        device_id=device.device_id,
        public_key=device.public_key,
        next_key_digest=device.next_key_digest,
        owner=_OWNER,
        device_class=_CLASS,
        nonce_x=point[0],
        nonce_y=point[1],
        response_scalar=int.from_bytes(signature[32:], "big"),
    )


def _sign(device: _Device, digest: bytes) -> bytes:
    return bytes(schnorr.sign(device.secret, digest, _label("auxiliary entropy")))


def _accepted() -> Iterator[_Case]:
    for number in range(4):
        yield _case(f"device {number}", _device(f"device {number}"))
    life_critical = _case(
        "life-critical", _device("life-critical"), device_class=identity.CLASS_LIFE_CRITICAL
    )
    yield replace(life_critical, device_class=identity.CLASS_LIFE_CRITICAL)


def _forged() -> Iterator[_Case]:
    device, other = _device("device 0"), _device("device 1")
    yield _case("signed for another chain", device, chain_id=1)
    yield _case("signed for another contract", device, contract=_label("contract")[:20])
    yield _case("signed for another owner", device, owner=_OTHER_OWNER)
    yield _case("signed for another class", device, device_class=2)
    yield _case("signed for another next key", device, next_key_digest=other.next_key_digest)
    yield _case("signed for another device", device, device_id=other.device_id)
    yield _case("signed by another device", device, signer=other)
    # The same bytes under another tag: an identifier's, a message's, or no tag but a plain hash.
    statement = b"".join(
        (
            _CHAIN_ID.to_bytes(32, "big"),
            _REGISTRY,
            device.device_id,
            _OWNER,
            bytes([_CLASS]),
            device.next_key_digest,
        )
    )
    other_tag = tagged_sha256("countersign/Evidence/1", statement)
    yield _submitted("signed under another tag", device, _sign(device, other_tag))
    without_tag = sha256(statement).digest()
    yield _submitted("signed without a tag", device, _sign(device, without_tag))
    yield _odd_nonce_commitment(device)


def _odd_nonce_commitment(device: _Device) -> _Case:
    """A case in which everything holds, the equation too, but R has odd y.

    Only the check of the parity can refuse it.
    """
    digest = identity.registration_digest(
        _CHAIN_ID, _REGISTRY, device.device_id, _OWNER, _CLASS, device.next_key_digest
    )
    k = int.from_bytes(_label("nonce"), "big") % curve.N
    x, y = curve.multiply_generator(k)
    if not y & 1:
        k = curve.N - k
        y = curve.P - y
    d = int.from_bytes(device.secret, "big")
    if curve.multiply_generator(d)[1] & 1:
        d = curve.N - d
    data = (x.to_bytes(32, "big"), device.public_key, digest)
    e = int.from_bytes(tagged_sha256("BIP0340/challenge", *data), "big") % curve.N
    case = _submitted("odd nonce commitment", device, data[0] + bytes(32))
    return replace(case, nonce_y=y, response_scalar=(k + e * d) % curve.N)


def _solidity_cases(cases: list[_Case]) -> str:
    lines = [f"        cases = new Case[]({len(cases)});\n"]
    for index, case in enumerate(cases):
        lines.append(f"""\
        cases[{index}] = Case({{
            name: "{case.name}",
            deviceId: 0x{case.device_id.hex()},
            publicKey: 0x{case.public_key.hex()},
            nextKeyDigest: 0x{case.next_key_digest.hex()},
            owner: {address_text(case.owner)},
            deviceClass: {case.device_class},
            nonceX: 0x{case.nonce_x:064x},
            nonceY: 0x{case.nonce_y:064x},
            responseScalar: 0x{case.response_scalar:064x}
        }});
""")
    return "".join(lines)
