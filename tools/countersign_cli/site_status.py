"""`countersign gateway status`: the status file of a gateway, in words.

The gateway writes the file once a second, so its age says whether the gateway still runs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from countersign_gateway.model import OperatorError
from countersign_gateway.operations.plain_text import printable
from countersign_gateway.operations.status import STOPPED

OLD_S = 10.0


@dataclass(frozen=True, slots=True)
class SiteStatus:
    """text: the file as it is. fault: why the gateway is not at work as the file says, or None."""

    text: str
    read: Mapping[str, Any]
    fault: str | None


def load(path: Path, now: datetime) -> SiteStatus:
    """The status that a gateway wrote to `path`. OperatorError if none can be read there."""
    try:
        text = path.read_text(encoding="utf-8")
        read = json.loads(text)
        written = datetime.fromisoformat(read["time"])
        age_s = (now - written).total_seconds()
    except FileNotFoundError:
        raise OperatorError(f"no gateway has run here yet: there is no {path}") from None
    except (ValueError, KeyError, TypeError):
        raise OperatorError(f"{path} is not the status file of a gateway") from None
    return SiteStatus(text, read, _fault(read, age_s))


def _fault(read: Mapping[str, Any], age_s: float) -> str | None:
    if read.get("state") == STOPPED:
        return f"the gateway is stopped, since {read['time']}"
    if abs(age_s) <= OLD_S:
        return None
    pid = read.get("pid")
    if isinstance(pid, int) and not Path(f"/proc/{pid}").exists():
        return f"the gateway ended without a word after {read['time']}: read its log"
    return f"this is {round(age_s)} s old: the gateway hangs, or ended without a word"


def lines(status: SiteStatus) -> list[str]:
    """The status in words, one line a matter."""
    read = status.read
    said = [f"gateway      {status.fault or 'at work, process {}'.format(read.get('pid'))}"]
    said += [f"site         {read.get('site')}, at {read.get('time')}"]
    age_s = read.get("age_s")
    said.append(
        f"ledger       {read.get('mode')}; "
        + ("not reached in this run" if age_s is None else f"last reached {age_s} s ago")
        + (f"; before: {read['last_upstream']}" if read.get("last_upstream") else "")
    )
    if read.get("not_anchoring_since"):
        said.append(f"anchoring    nothing is anchored since {read['not_anchoring_since']}")
    said += _broker(read.get("broker")) + _record(read) + _messages(read)
    said += _enrolment(read.get("enrolment", {})) + _disk(read.get("disk", {}))
    said += _alarms(read.get("alarms", {}))
    return [printable(line) for line in said]


def _broker(broker: Mapping[str, Any] | None) -> list[str]:
    if broker is None:
        return []
    return [
        f"broker       {'runs' if broker.get('running') else 'does not run'} on"
        f" {broker.get('host')}:{broker.get('port')}{'' if broker.get('tls') else ', without TLS'};"
        f" {broker.get('accounts')} accounts, {broker.get('restarts')} restarts,"
        f" {broker.get('refused', 0)} clients not let in"
    ]


def _record(read: Mapping[str, Any]) -> list[str]:
    counts = read.get("registry", {})
    return [
        f"record       devices {counts.get('devices')}, commitments {counts.get('commitments')},"
        f" of them anchored {counts.get('anchored')}; transactions open"
        f" {counts.get('outbox_open')}, failed {counts.get('outbox_failed')}"
    ]


def _messages(read: Mapping[str, Any]) -> list[str]:
    refused = read.get("refused", {})
    by_reason = ", ".join(f"{name} {count}" for name, count in sorted(refused.items()))
    lost = sum(read.get(name, 0) for name in ("shed", "serial_shed"))
    unsent = sum(read.get(name, 0) for name in ("unsent", "serial_unsent"))
    return [
        f"this run     received {read.get('received')}: verified {read.get('verified')}, enrolled"
        f" {read.get('enrolled')}, denied {read.get('denied')}, refused"
        f" {sum(refused.values())}{f' ({by_reason})' if by_reason else ''}",
        f"load         waiting {read.get('queued')}, answered BUSY {lost},"
        f" answers not sent {unsent}",
    ]


def _enrolment(enrolment: Mapping[str, Any]) -> list[str]:
    open_s = enrolment.get("open_s")
    return [
        f"enrolment    {enrolment.get('mode')}{f', open for {open_s} s more' if open_s else ''};"
        f" {enrolment.get('waiting')} wait for approval, {enrolment.get('not_kept')} more were not"
        f" kept; {enrolment.get('today')} of {enrolment.get('per_day')} new devices today"
    ]


def _disk(disk: Mapping[str, Any]) -> list[str]:
    days = disk.get("days_until_full")
    full = "not known yet" if days is None else f"{days} days"
    state = "" if disk.get("takes_messages", True) else "; full, so every device is answered BUSY"
    return [f"disk         free {disk.get('free_bytes')} bytes, until it is full: {full}{state}"]


def _alarms(alarms: Mapping[str, Any]) -> list[str]:
    counts = alarms.get("counts", {})
    said = [f"alarms       {', '.join(f'{kind} {n}' for kind, n in counts.items()) or 'none'}"]
    for alarm in alarms.get("latest", []):
        fields = {name: value for name, value in alarm.items() if name not in ("kind", "at")}
        more = ", ".join(f"{name} {value}" for name, value in fields.items())
        what = f"{alarm.get('at')} {alarm.get('kind')}"
        said.append(f"             {what}{f': {more}' if more else ''}")
    return said
