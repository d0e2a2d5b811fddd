"""The report of a run: a row for each board, as CSV or JSON. It holds no secrets."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from countersign_cli.device_id_argument import is_device_id
from countersign_cli.provisioning.resume_file import ResumeFile
from countersign_cli.provisioning.rows import Row
from countersign_gateway.text_file import read_text

COLUMNS = (
    "name",
    "result",
    "device_id",
    "public_key",
    "next_key_digest",
    "next_key_with",
    "site",
    "class",
    "valid_until",
    "identity",
    "replaced",
    "unique_id",
    "port",
    "machine",
    "micropython",
    "agent_version",
    "firmware",
    "engine",
    "engine_fault",
    "environment",
    "host_entropy",
    "steps",
    "error",
)
"""The report's columns.

The gateway reads some of them when the signed report is admitted (control/admission_list.py).
result: done, failed or not started. next_key_with: board or owner. identity: made, kept or
replaced. firmware: whether the agent is frozen into it or installed beside it. host_entropy:
whether this machine's entropy went into the key.
"""


def entries(
    rows: Sequence[Row],
    resume_file: ResumeFile,
    failed: Mapping[str, str],
    named: Mapping[str, str],
) -> list[dict[str, Any]]:
    """The report's entries, one for each row and in the rows' order. The keys are COLUMNS.

    A row that is not done has a device_id only if that device proved its key, or somebody had named
    it before (named): a later run may take the device_id from here.
    """
    result = []
    for row in rows:
        known = resume_file.row(row.name)
        known["name"] = row.name
        known["port"] = row.port
        known["identity"] = known.get("origin")
        # This is what the agent will say: "emulated" if it sees that itself or was configured so.
        settings = json.loads(row.config)
        stated = settings.get("environment", "hardware")
        known["environment"] = "emulated" if known.get("emulated") else stated
        known["site"] = settings["site"]
        known["class"] = row.device_class
        known["valid_until"] = row.valid_until
        known["error"] = failed.get(row.name)
        if row.name in failed:
            known["result"] = "failed"
        elif known.get("step") == "done":
            known["result"] = "done"
        else:
            known["result"] = "not started"
        if known["result"] != "done":
            known["device_id"] = resume_file.proven_device(row.name) or named.get(row.name)
        result.append({name: known.get(name) for name in COLUMNS})
    return result


def device_of(path: Path, name: str) -> str | None:
    """The device_id, in hexadecimal, of a board in an earlier report (see `entries`), or None.

    A file that is no report of ours names no device.
    """
    try:
        text = read_text(path)
        rows = (
            json.loads(text) if path.suffix == ".json" else list(csv.DictReader(io.StringIO(text)))
        )
        found = {row["device_id"] for row in rows if row["name"] == name}
    except (OSError, ValueError, LookupError, TypeError, csv.Error):
        return None
    if len(found) != 1:
        return None
    device_id = found.pop()
    return device_id if isinstance(device_id, str) and is_device_id(device_id) else None


def write(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Replace the report. It is JSON if the name ends in .json, else CSV. OSError if that fails."""
    if path.suffix == ".json":
        text = json.dumps(rows, indent=2) + "\n"
    else:
        buffer = io.StringIO()
        table = csv.DictWriter(buffer, COLUMNS, lineterminator="\n")
        table.writeheader()
        for row in rows:
            table.writerow({**row, "steps": " ".join(row["steps"] or ())})
        text = buffer.getvalue()
    beside = path.with_name(path.name + ".tmp")
    beside.write_text(text, encoding="utf-8")
    os.replace(beside, path)
