"""The committed vectors of what is signed beside messages: lists of admissions, and logs."""

from __future__ import annotations

import json
from pathlib import Path

from countersign_gateway.control.list_signature import list_digest
from countersign_gateway.statements.log_statement import LogPlace

VECTORS = Path(__file__).resolve().parents[2] / "vectors"
DIGESTS = json.loads((VECTORS / "statements.json").read_text(encoding="utf-8"))["digests"]


def test_the_digest_of_an_admission_list() -> None:
    case = DIGESTS["AdmissionList"]
    assert list_digest(case["file"].encode()).hex() == case["digest"]


def test_the_digests_of_a_log() -> None:
    raw = bytes.fromhex
    for name, of in (
        ("LogClaim", lambda place, one: place.claim(raw(one["account"]))),
        (
            "LogSuccession",
            lambda place, one: place.succession(
                raw(one["predecessor"]), raw(one["successor"]), one["sequence"], raw(one["head"])
            ),
        ),
        (
            "GatewayKeyRotation",
            lambda place, one: place.rotation(
                raw(one["account"]), raw(one["old_key"]), raw(one["new_key"])
            ),
        ),
    ):
        case = DIGESTS[name]
        place = LogPlace(case["chain_id"], raw(case["contract"]))
        assert of(place, case).hex() == case["digest"], name
