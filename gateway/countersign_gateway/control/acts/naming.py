"""rename: what people call a device."""

from __future__ import annotations

from dataclasses import replace

from countersign_gateway.control.acts.definition import (
    TRUSTED,
    ActDefinition,
    Answer,
    Argument,
    Arguments,
)
from countersign_gateway.control.people import Caller, People, Refused
from countersign_gateway.model import Admission


def _rename(people: People, caller: Caller, arguments: Arguments) -> Answer:
    known = people.find_to_trust(arguments["device"])
    name = people.check_name(arguments["name"], known.device_id)
    admission = known.admission
    if admission is None:
        record = known.record
        if record is None:
            raise Refused(f"{known.name} is waiting: approve it with a name")
        # It enrolled before devices had names, or admissions.
        admission = Admission(
            device_id=record.device_id,
            suite=record.suite,
            public_key=record.public_key,
            next_key_digest=record.next_key_digest,
            name=name,
            device_class=record.device_class,
            owner=record.owner,
            valid_until_s=None,
            admitted_by="an earlier release",
            admitted_s=int(people.wall_s()),
        )
    act = people.act(caller, "rename", known.device_id, f"from {known.name} to {name}")
    people.registry.admit([replace(admission, name=name)], act)
    people.changed()
    return {"said": f"{known.name} is now called {name}"}


RENAME = ActDefinition(
    "rename",
    "call a device otherwise",
    (TRUSTED, Argument("name", str, "the new name", positional=True)),
    _rename,
)
