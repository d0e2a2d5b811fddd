"""kill -9 of the gateway at random points under load: nothing acknowledged is lost or anchored
twice.

The gateway process, Mosquitto and the chain are real. At the end, the signed verdicts that the
devices hold are compared with the gateway's record byte for byte, and the record with the ledger's
events. `COUNTERSIGN_KILLS` sets how often the gateway is killed.
"""

from __future__ import annotations

import json
import os
import random
import sys
import time
from pathlib import Path

import pytest

from countersign import messages
from countersign_cli import site_folder
from countersign_cli.auditing.ledger_audit import audit
from countersign_gateway.registry.sqlite import SqliteRegistry
from countersign_gateway.statements.keys import SigningKey, read_key_file
from countersign_workshop.child_processes.mosquitto import Mosquitto
from countersign_workshop.child_processes.process import Child
from countersign_workshop.ledger.chain import DevChain
from support.gateway.fleet import Fleet
from support.gateway.opened import open_window

pytestmark = pytest.mark.chain

KILLS = int(os.environ.get("COUNTERSIGN_KILLS", "8"))
DEVICES = 6
SITE_NAME = "kill-test"


def _start_gateway(config_path: Path) -> Child:
    ready: list[str] = []

    def on_line(line: str) -> None:
        if '"gateway_ready"' in line:
            ready.append(line)

    argv = [sys.executable, "-m", "countersign_cli.cli", "gateway", "run", "--config"]
    gateway = Child("gateway", [*argv, config_path], on_line=on_line)
    deadline_s = time.monotonic() + 60
    while not ready:
        if not gateway.running() or time.monotonic() > deadline_s:
            gateway.kill()
            raise AssertionError(f"the gateway did not become ready:\n{gateway.tail()}")
        time.sleep(0.02)
    return gateway


def _wait_until_anchored(folder: Path, gateway: Child, timeout_s: float = 90) -> None:
    deadline_s = time.monotonic() + timeout_s
    while time.monotonic() < deadline_s:
        counts = json.loads((folder / "status.json").read_text())["registry"]
        if counts["anchored"] == counts["commitments"] and counts["outbox_open"] == 0:
            return
        time.sleep(0.25)
    raise AssertionError(f"not all was anchored: {counts}\n{gateway.tail()}")


def test_nothing_acknowledged_is_lost_and_nothing_anchored_twice(tmp_path: Path) -> None:
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    moments = random.Random(seed)
    chain = DevChain(tmp_path / "chain")
    chain.start()
    folder = tmp_path / "site"
    try:
        contracts = chain.deploy()
        with Mosquitto(tmp_path / "broker") as broker:
            made = site_folder.create_site(
                folder,
                SITE_NAME,
                broker=f"mqtt://{broker.host}:{broker.port}",
                owner=chain.owner(),
                allow_emulated=True,
                enrolment="open",
                device_bytes_per_day=10**12,
                ledger=site_folder.LedgerAddresses(
                    rpc_urls=[chain.rpc_url],
                    chain_id=chain.chain_id,
                    commitment_log=bytes.fromhex(contracts["CommitmentLog"][2:]),
                    device_registry=bytes.fromhex(contracts["DeviceID"][2:]),
                    batch_max=200,
                    batch_age_s=0.3,
                    blocks="on_demand",
                ),
            )
            chain.admit_gateway(made.ledger_account)
            gateway = _start_gateway(made.config_path)
            try:
                open_window(folder)
                fleet = Fleet(broker.host, broker.port, SITE_NAME, made.gateway_id, DEVICES)
                fleet.enrol()
                fleet.start()
                for _ in range(KILLS):
                    # Some kills come while the gateway starts, and some in the middle of full load.
                    time.sleep(moments.uniform(0.0, 1.2))
                    gateway.kill()
                    gateway = _start_gateway(made.config_path)
                assert fleet.wait_for_results(50, 30), "the pipeline did not go on"
                fleet.stop()
                time.sleep(1.5)  # the status file is written once a second
                _wait_until_anchored(folder, gateway)
            finally:
                gateway.stop()
        registry = SqliteRegistry(
            folder / "registry.sqlite3",
            SigningKey(read_key_file(folder / site_folder.GATEWAY_KEY_NAME)).gateway_id,
        )
        try:
            result = audit(
                chain.rpc_url,
                contracts["CommitmentLog"],
                "0x" + made.ledger_account.hex(),
                registry,
            )
            recorded = {
                messages.digest(entry.message): entry
                for entry in registry.messages(0, registry.commitment_count())
            }
            registered = registry.counts().registered
        finally:
            registry.close()
    finally:
        chain.stop()

    print(f"{KILLS} kills, {len(fleet.sent)} sent, {len(fleet.results)} verdicts, {result}")
    assert result.faults == ()
    assert result.lost == 0
    assert result.duplicated == 0
    assert len(fleet.results) > 10 * DEVICES
    for subject, verdict in fleet.results.items():
        entry = recorded.get(subject)
        assert entry is not None, "a verdict was given for what is not in the record"
        assert entry.result == verdict, "the record holds another verdict than the device"
        assert (entry.device_id, entry.message) == fleet.sent[subject]
    assert len(recorded) == result.commitments, "one message was recorded twice"
    assert registered == DEVICES
