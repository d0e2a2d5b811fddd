"""The verifier refuses each committed message for its reason, in the order of its checks."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from countersign import messages, reasons
from countersign_gateway.governance.lifecycle import Lifecycle
from countersign_gateway.model import DeviceRecord, Envelope, RegistrationOffer, Status
from countersign_gateway.pipeline.guarding import Guard
from countersign_gateway.verification.beacons import Beacons
from countersign_gateway.verification.challenges import Applicant, Challenges
from countersign_gateway.verification.findings import Refusal
from countersign_gateway.verification.verifier import Verifier

VECTORS = Path(__file__).resolve().parents[2] / "vectors"


def read(name: str) -> Any:
    return json.loads((VECTORS / f"{name}.json").read_text(encoding="utf-8"))


STATE, *CASES = read("unbelieved")
STATE = STATE["state"]
PROOF = next(
    bytes.fromhex(case["message"]) for case in read("messages") if case["name"] == "EnrolProof"
)


class Memory:
    """findings.Memory of the gateway that the file describes."""

    def __init__(self, status: str) -> None:
        fields = messages.open_message(PROOF).fields
        self.record = DeviceRecord(
            **{name: fields[name] for name in ("suite", "post_quantum_digest")},
            **{
                name: bytes.fromhex(STATE[name])
                for name in ("device_id", "public_key", "next_key_digest")
            },
            environment=STATE["environment"],
            counter=STATE["counter"],
            owner=bytes.fromhex(STATE["registration"]["owner"]),
            device_class=STATE["registration"]["device_class"],
            status=Status[status.upper()],
        )

    def device(self, device_id: bytes) -> DeviceRecord | None:
        return self.record if device_id == self.record.device_id else None

    def seen(self, device_id: bytes, counter: int, message_digest: bytes) -> bool:
        return message_digest.hex() in STATE["accepted"]


class OpenChallenge(Challenges):
    """A gateway cannot give out a given challenge; this one gave the file's, for its device."""

    def accepts(
        self,
        challenge: bytes,
        applicant: Applicant,
        offer: RegistrationOffer | None,
        counter: int,
        now_s: float,
    ) -> bool:
        registration = STATE["registration"]
        return (
            challenge.hex() == STATE["challenge"]
            and (applicant.next_key_digest.hex(), applicant.environment)
            == (STATE["next_key_digest"], STATE["environment"])
            and offer is not None
            and (offer.chain_id, offer.contract.hex(), offer.owner.hex(), offer.device_class)
            == tuple(registration.values())
        )


def finding_of(case: dict[str, str]) -> str:
    memory = Memory(case.get("status", STATE["status"]))
    verifier = Verifier(
        bytes.fromhex(STATE["gateway_id"]),
        Beacons(30.0, 0.0, random_bytes=lambda _: bytes.fromhex(STATE["beacon"])),
        OpenChallenge(60.0, 0.0),
        lambda: 1.0,
    )
    envelope = Envelope(
        bytes.fromhex(case.get("topic_device", STATE["device_id"])),
        case["kind"],
        bytes.fromhex(case["message"]),
        lambda: None,
    )
    finding = verifier.verify(envelope, memory)
    if isinstance(finding, Refusal):
        return str(reasons.NAMES[finding.reason])
    # Checks 12 and 13.
    stopped: list[int] = []
    guard = Guard(
        Lifecycle(memory.device, lambda *_: None),
        SimpleNamespace(refuse=lambda _, refusal, group: stopped.append(refusal.reason)),
        SimpleNamespace(),
        lambda: 1.0,
    )
    counter = getattr(finding, "counter", None)
    if counter is not None:
        guard.stops(envelope, memory.record, counter, SimpleNamespace(suspects={}))
    return str(reasons.NAMES[stopped[0] if stopped else reasons.ACCEPTED])


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["what"])
def test_each_message_gets_the_first_reason(case: dict[str, str]) -> None:
    assert finding_of(case) == case["reason"]


def test_every_reason_of_a_check_is_shown() -> None:
    of_checks = {code for code in reasons.NAMES if reasons.WRONG_TOPIC <= code < reasons.SUSPENDED}
    shown = {case["reason"] for case in CASES}
    assert shown == {reasons.NAMES[code] for code in of_checks} | {
        "ACCEPTED",
        "BAD_FIELD",
        "REVOKED",
    }
