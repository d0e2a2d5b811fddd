"""The demonstration, act by act, in the order in which a site experiences it."""

from __future__ import annotations

import json
import shutil
import signal
import sys
import time
from dataclasses import dataclass
from types import FrameType
from typing import Any, TypeVar

from countersign import reasons
from countersign_cli.auditing.ledger_audit import Audit, audit
from countersign_cli.mendable import Mendable
from countersign_gateway.model import OperatorError
from countersign_gateway.registry.sqlite import SqliteRegistry
from countersign_gateway.statements.keys import SigningKey, read_key_file
from countersign_workshop.checkout import cache_folder
from countersign_workshop.child_processes.events import Event
from countersign_workshop.demo.cast import Cast

# A degraded verdict must be this much older than the first one before the story goes on.
AGE_GROWTH_S = 3

T = TypeVar("T")


@dataclass(slots=True)
class Counts:
    """The counts that the demonstration prints as its last line."""

    enrolled: int = 0
    verified: int = 0
    degraded_verified: int = 0
    replays_refused: int = 0
    impostors_refused: int = 0
    strangers_refused: int = 0
    commitments: int = 0
    anchored: int = 0
    receipts_verified_on_device: int = 0
    lost: int = 0
    duplicated: int = 0


class Narrator:
    """Prints the story with the seconds since it began."""

    def __init__(self) -> None:
        self._began_s = time.monotonic()

    def act(self, title: str) -> None:
        print(f"\n{title}", flush=True)

    def say(self, who: str, text: str) -> None:
        print(f"  {time.monotonic() - self._began_s:5.1f} s  {who:<9} {text}", flush=True)


def tell(devices: int, board: str | None = None) -> int:
    """Run the story, on emulated boards if one is named. Exit status 0 if every count is right."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _as_interrupt)
    folder = cache_folder() / "demo"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    narrator = Narrator()
    counts = Counts()
    try:
        with Cast(folder, devices, board) as cast:
            _set_the_stage(cast, narrator)
            _devices_prove_themselves(cast, narrator)
            cut_at = _the_link_is_cut(cast, narrator)
            _the_network_is_hostile(cast, narrator, counts)
            _the_link_comes_back(cast, narrator, cut_at)
            result = _the_ledger_is_audited(cast, narrator, counts)
    except (Mendable, OperatorError, OSError) as stuck:
        print(f"\nThe demonstration is stuck: {stuck}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted; everything that was started has been stopped.", file=sys.stderr)
        return 130
    faults = [*result.faults, *_faults(counts, devices)]
    for fault in faults:
        print(f"FAULT: {fault}", file=sys.stderr)
    print(json.dumps({name: getattr(counts, name) for name in Counts.__slots__}), flush=True)
    return 1 if faults else 0


def _set_the_stage(cast: Cast, narrator: Narrator) -> None:
    narrator.act("A site: a chain, a gateway, and a broker that is trusted with nothing")
    cast.start_chain()
    narrator.say("ledger", f"development chain {cast.chain_id} up; contracts deployed:")
    for name, address in cast.contracts.items():
        narrator.say("ledger", f"  {name:<13} {address}")
    cast.start_gateway()
    narrator.say("gateway", f"up with its own Mosquitto; gateway_id {_short(cast.gateway_id)}")


def _devices_prove_themselves(cast: Cast, narrator: Narrator) -> None:
    what = "devices on MicroPython (emulated hardware)"
    if cast.board is not None:
        what = f"emulated {cast.board} boards with the image that is flashed, on serial lines,"
    narrator.act(f"{len(cast.devices)} {what} prove themselves")
    cast.start_devices()
    for device in cast.devices:
        made = cast.wait_for(device, "key_made")
        device.device_id = bytes.fromhex(made["device_id"])
        cast.admit(device, made["public_key"])
        narrator.say(
            device.name,
            f"made its key here; device_id {_short(device.device_id)}; admitted by its public key",
        )
    for device in cast.devices:
        cast.wait_for(device, "challenge_received")
        narrator.say(device.name, "received a challenge and signed it: proof of its key")
    for device in cast.devices:
        cast.wait_for(device, "enrolled")
        narrator.say(device.name, "enrolled")
    for device in cast.devices:
        verdict = cast.wait_for(device, "verdict", message="evidence", allow=True, mode="online")
        narrator.say(device.name, f"sent evidence; verdict: {_verdict(verdict)}")
    anchored = cast.wait_for_gateway("anchored")
    batch = cast.wait_for_gateway("batch", batch=anchored["batch"])
    narrator.say(
        "gateway",
        f"made batch {batch['batch']} of {batch['size']} commitments,"
        f" root {batch['root'][:8]}…; the ledger holds it in block {anchored['block']}",
    )
    for device in cast.devices:
        receipt = cast.wait_for(device, "receipt_verified", message="evidence")
        narrator.say(
            device.name,
            f"checked its receipt itself: leaf {receipt['leaf_index']} of {receipt['tree_size']}"
            f" in batch {receipt['sequence']}, {receipt['proof_hashes']} hashes,"
            f" root {receipt['batch_root'][:8]}…",
        )


def _the_link_is_cut(cast: Cast, narrator: Narrator) -> int:
    narrator.act("The ledger is gone: nothing at the site stops")
    mark = cast.events.mark()
    cast.cut_chain()
    narrator.say("ledger", "stopped; no upstream any more")
    first: dict[str, Event] = {}
    for device in cast.devices:
        first[device.name] = cast.wait_for(
            device, "verdict", since=mark, message="evidence", allow=True, mode="degraded"
        )
        narrator.say(device.name, f"still verified: {_verdict(first[device.name])}")
    for device in cast.devices:
        least = (first[device.name]["age_s"] or 0) + AGE_GROWTH_S
        older = cast.wait_for_verdict_of_age(device, mark, least)
        narrator.say(device.name, f"and told how old that knowledge is: {_verdict(older)}")
    return mark


def _the_network_is_hostile(cast: Cast, narrator: Narrator, counts: Counts) -> None:
    narrator.act("Someone on the network tries")
    victim = cast.devices[0]
    attacker = cast.attacker(victim)
    try:
        captured = cast.wait_until(
            "two captured messages", lambda: _two(cast.captured(victim, attacker))
        )
        reason = attacker.replay(victim.device_id, captured[0])
        narrator.say("attacker", f"replays a message of {victim.name}: {_refusal(reason)}")
        counts.replays_refused += reason == reasons.REPLAYED
        reason = attacker.claim(victim.device_id, cast.gateway_id)
        narrator.say("attacker", f"enrols as {victim.name} with its own key: {_refusal(reason)}")
        counts.impostors_refused += reason == reasons.WRONG_KEY
        joins = attacker.may_join(cast.gateway_id, cast.site_account_key)
        answer = "it connects" if joins else "the broker has no account for it"
        narrator.say("attacker", f"brings a device that nobody admitted: {answer}")
        counts.strangers_refused += not joins
    finally:
        attacker.close()
    if cast.board is not None:
        # The attacker spoke in the device's name over the broker, which must not draw the answers
        # to the device away from its line. A part of the first evidence from here on may have been
        # under way before, so the second one counts.
        mark = cast.events.mark()
        sent = cast.wait_until(
            f"evidence of {victim.name}",
            lambda: _two(cast.events.select("evidence_sent", mark, source=victim.name)),
        )
        verdict = cast.wait_for(victim, "verdict", since=mark, counter=sent[1]["counter"])
        narrator.say(victim.name, f"goes on as before: {_verdict(verdict)}")


def _the_link_comes_back(cast: Cast, narrator: Narrator, cut_at: int) -> None:
    narrator.act("The ledger is back: the backlog is anchored, exactly once")
    degraded = cast.events.select("verdict", cut_at, message="evidence", mode="degraded")
    mark = cast.events.mark()
    cast.restore_chain()
    narrator.say("ledger", f"back with its state; {len(degraded)} verdicts were given without it")
    for device in cast.devices:
        verdict = cast.wait_for(
            device, "verdict", since=mark, message="evidence", allow=True, mode="online"
        )
        narrator.say(device.name, f"verdict: {_verdict(verdict)}")
    for device in cast.devices:
        waiting = {event["counter"] for event in degraded if event["source"] == device.name}
        cast.wait_for_receipts(device, waiting)
        narrator.say(device.name, f"holds verified receipts for all {len(waiting)} of them")
    cast.stop_devices()
    cast.wait_until_all_is_anchored()
    cast.stop_gateway()


def _the_ledger_is_audited(cast: Cast, narrator: Narrator, counts: Counts) -> Audit:
    narrator.act("Audit: the ledger's own events against the gateway's record")
    gateway_id = SigningKey(read_key_file(cast.gateway_key_path)).gateway_id
    registry = SqliteRegistry(cast.registry_path, gateway_id)
    try:
        result = audit(
            cast.rpc_url, cast.contracts["CommitmentLog"], cast.gateway_account, registry
        )
        recorded = {
            (entry.device_id, entry.counter)
            for entry in registry.messages(0, registry.commitment_count())
        }
        registered = registry.counts().registered
    finally:
        registry.close()
    # Every verdict that a device received must be in the record, and the whole record on the
    # ledger.
    told = {
        (device.device_id, event["counter"])
        for device in cast.devices
        for event in cast.events.select("verdict", source=device.name)
    }
    verdicts = cast.events.select("verdict", message="evidence", allow=True)
    counts.enrolled = sum(
        bool(cast.events.select("enrolled", source=device.name)) for device in cast.devices
    )
    counts.verified = len(verdicts)
    counts.degraded_verified = sum(1 for verdict in verdicts if verdict["mode"] == "degraded")
    counts.receipts_verified_on_device = len(cast.events.select("receipt_verified"))
    counts.commitments = result.commitments
    counts.anchored = result.anchored
    counts.lost = result.lost + len(told - recorded)
    counts.duplicated = result.duplicated
    narrator.say(
        "auditor",
        f"{result.anchored} leaves in {result.batches} batches:"
        f" {counts.lost} lost, {counts.duplicated} duplicated",
    )
    narrator.say("auditor", f"{registered} devices in DeviceID, each proven to the contract")
    print(flush=True)
    return result


def _faults(counts: Counts, devices: int) -> list[str]:
    """The counts that are wrong. Numbers of check-ins depend on the machine, others do not."""
    expected = (
        ("enrolled", counts.enrolled == devices),
        ("verified", counts.verified >= devices),
        ("degraded_verified", counts.degraded_verified >= devices),
        ("replays_refused", counts.replays_refused == 1),
        ("impostors_refused", counts.impostors_refused == 1),
        ("strangers_refused", counts.strangers_refused == 1),
        ("anchored", counts.anchored == counts.commitments > 0),
        ("receipts_verified_on_device", counts.receipts_verified_on_device >= devices),
        ("lost", counts.lost == 0),
        ("duplicated", counts.duplicated == 0),
    )
    return [f"{name} is {getattr(counts, name)}" for name, holds in expected if not holds]


def _two(found: list[T]) -> list[T]:
    # The older of two messages has certainly been answered, because the device waits for each
    # answer before it sends the next message.
    return found if len(found) >= 2 else []


def _verdict(event: Event) -> str:
    word = "allow" if event["allow"] else "deny"
    age = "not confirmed" if event["age_s"] is None else f"{event['age_s']} s"
    return f"{word}, mode {event['mode']}, age {age}, policy {event['policy_version']}"


def _refusal(reason: int) -> str:
    return f"refused, {reason} {reasons.NAMES[reason]}"


def _short(identifier: bytes) -> str:
    return identifier.hex()[:16] + "…"


def _as_interrupt(_number: int, _frame: FrameType | None) -> Any:
    raise KeyboardInterrupt
