"""A person at the machine of a site in memory, and the lists that people bring there."""

from __future__ import annotations

import base64
import csv
import io
from typing import Any

import pytest

from countersign_gateway.control import list_signature
from countersign_gateway.control.acts import perform
from countersign_gateway.control.people import Caller, People, Refused
from countersign_gateway.model import EnrolmentMode
from countersign_gateway.statements.keys import SigningKey
from countersign_workshop.simulation.simulated_device import SimulatedDevice
from support.gateway.site_under_test import SiteUnderTest

CALLER = Caller(uid=0, pid=1)
PROVISIONER = SigningKey(bytes(31) + b"\x11")


class Desk:
    """A site, and a person at its own machine."""

    def __init__(self, enrolment: EnrolmentMode = EnrolmentMode.LISTED) -> None:
        self.site = SiteUnderTest(enrolment=enrolment)
        self.changes = 0
        self.people = People(
            site="ward-3",
            registry=self.site.registry,
            gate=self.site.gate,
            provisioners=(PROVISIONER.public_key,),
            on_change=self._changed,
            wall_s=self.site.wall,
            clock_s=self.site.clock,
        )

    def _changed(self) -> None:
        self.changes += 1

    def do(self, act: str, **arguments: Any) -> str:
        said: str = perform(self.people, CALLER, act, arguments)["said"]
        return said

    def refused(self, act: str, **arguments: Any) -> str:
        """The sentences of the refusal; nothing was done, and nothing recorded."""
        before = self.people.registry.acts(1000)
        with pytest.raises(Refused) as refused:
            perform(self.people, CALLER, act, arguments)
        assert self.people.registry.acts(1000) == before
        return "\n".join(refused.value.args)

    def admit_list(self, content: bytes, key: SigningKey = PROVISIONER) -> dict[str, str]:
        signature = key.sign(list_signature.list_digest(content))
        return {
            "list": base64.b64encode(content).decode(),
            "signature": list_signature.written(key.public_key, signature),
        }


def row(device: SimulatedDevice, **changes: str) -> dict[str, str]:
    return {
        "name": "bed-7",
        "result": "done",
        "device_id": device.device_id.hex(),
        "public_key": device.public_key.hex(),
        "next_key_digest": device.next_key_digest.hex(),
        "site": "ward-3",
        "port": "/dev/ttyACM0",
    } | changes


def table(*rows: dict[str, str]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()
