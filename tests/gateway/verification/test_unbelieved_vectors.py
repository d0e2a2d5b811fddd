"""The verifier refuses each committed message for its reason, in the order of its checks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from countersign import messages, reasons
from countersign_gateway.model import DeviceRecord, Envelope, Status
from countersign_gateway.verification.beacons import Beacons
from countersign_gateway.verification.challenges import Challenges
from countersign_gateway.verification.findings import Refusal
from countersign_gateway.verification.verifier import Verifier

VECTORS = Path(__file__).resolve().parents[2] / "vectors"


def read(name: str) -> Any:
    return json.loads((VECTORS / f"{name}.json").read_text(encoding="utf-8"))


EXCHANGE = {(case["name"], case["what"]): case for case in read("messages")}
PROOF = bytes.fromhex(EXCHANGE["EnrolProof", "the proof, signed for the ledger too"]["message"])


class Record:
    """findings.Memory of the gateway in the exchange: its device has used counter 257."""

    def __init__(self) -> None:
        fields = messages.open_message(PROOF).fields
        self.record = DeviceRecord(
            **{
                name: fields[name]
                for name in (
                    "device_id",
                    "suite",
                    "public_key",
                    "post_quantum_digest",
                    "next_key_digest",
                    "environment",
                    "counter",
                )
            },
            owner=fields["registration"]["owner"],
            device_class=fields["registration"]["device_class"],
            status=Status.ENROLLED,
        )

    def device(self, device_id: bytes) -> DeviceRecord | None:
        return self.record if device_id == self.record.device_id else None

    def seen(self, device_id: bytes, counter: int, message_digest: bytes) -> bool:
        return message_digest == messages.digest(PROOF)


@pytest.mark.parametrize("case", read("unbelieved"), ids=lambda case: case["what"])
def test_each_message_gets_the_first_reason(case: dict[str, str]) -> None:
    memory = Record()
    beacon = messages.open_message(bytes.fromhex(EXCHANGE["Beacon", "online"]["message"])).fields
    verifier = Verifier(
        beacon["gateway_id"],
        Beacons(30.0, 0.0, random_bytes=lambda _: beacon["beacon"]),
        Challenges(60.0, 0.0),
        lambda: 1.0,
    )
    envelope = Envelope(
        memory.record.device_id, case["kind"], bytes.fromhex(case["message"]), lambda: None
    )
    finding = verifier.verify(envelope, memory)
    reason = finding.reason if isinstance(finding, Refusal) else reasons.ACCEPTED
    assert reasons.NAMES[reason] == case["reason"]


def test_every_reason_of_an_unknown_device_is_shown_elsewhere() -> None:
    """UNKNOWN_DEVICE needs a gateway without the record, so it has no place in the file."""
    memory = Record()
    memory.device = lambda device_id: None  # type: ignore[method-assign]
    case = next(case for case in read("unbelieved") if case["reason"] == "ACCEPTED")
    fields = messages.open_message(bytes.fromhex(case["message"])).fields
    verifier = Verifier(fields["audience"], Beacons(30.0, 0.0), Challenges(60.0, 0.0), lambda: 1.0)
    envelope = Envelope(
        fields["device_id"], "evidence", bytes.fromhex(case["message"]), lambda: None
    )
    finding = verifier.verify(envelope, memory)
    assert isinstance(finding, Refusal)
    assert finding.reason == reasons.UNKNOWN_DEVICE
