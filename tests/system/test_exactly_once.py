"""kill -9 at random points under load: nothing acknowledged is lost or anchored twice.

A child process records decisions as fast as it can, cuts batches and brings them onto a real chain.
It is killed with SIGKILL again and again. Sometimes the chain is killed too, and then forgets
everything after its last save, final blocks included. In the end both run undisturbed, and the
chain must hold every acknowledged commitment exactly once.

SIGKILL shows that the order of writes is right. It does not show that the disk keeps what it was
told to keep: SQLite's synchronous=FULL is trusted for that.

COUNTERSIGN_CRASH_KILLS (default 15) sets how often the child is killed. COUNTERSIGN_CRASH_SEED
repeats a run's choices.
"""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import random
import secrets
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from countersign import merkle
from countersign_gateway.anchoring.ledger_key import LedgerKey
from countersign_gateway.model import Decision
from countersign_gateway.registry.interface import OutboxState
from countersign_gateway.registry.sqlite import SqliteRegistry
from countersign_gateway.statements.keys import create_key_file
from support.gateway.anchoring_site import Device, Site
from support.gateway.local_chain import LocalChain

pytestmark = pytest.mark.chain

KILLS = int(os.environ.get("COUNTERSIGN_CRASH_KILLS", "15"))
GATEWAY_ID = bytes(range(32))
DEVICES = 20
GROUP = 25  # decisions in one record()
BATCH = 100

# The child is forked, so that it is at work within milliseconds and kills hit work, not imports.
_processes = multiprocessing.get_context("fork")


def decision(device: Device, counter: int) -> Decision:
    device.counter = counter - 1
    return device.enrols() if counter == 1 else device.checks_in()


def work(chain: LocalChain, folder: Path, devices: list[Device], acknowledged: int) -> None:
    """The child's work, which never returns. acknowledged: a pipe for the durable commitments."""
    registry = SqliteRegistry(folder / "registry.sqlite3", GATEWAY_ID)
    key = LedgerKey.load_or_create(folder / "ledger.key")
    site = Site(chain, registry, key=key, batch_max=BATCH, batch_age_s=0.5, timeout_s=2.0)
    stop = threading.Event()
    anchoring = threading.Thread(target=site.worker.run, args=(stop, 0.02), daemon=True)
    anchoring.start()
    counters = [
        0 if (known := registry.device(d.device_id)) is None else known.counter for d in devices
    ]
    turn = registry.commitment_count()
    while True:
        group = []
        for _ in range(GROUP):
            index = turn % DEVICES
            counters[index] += 1
            group.append(decision(devices[index], counters[index]))
            turn += 1
        registry.store(group)
        # This comes only now, as a reply and a PUBACK would.
        os.write(acknowledged, b"".join(found.commitment for found in group))
        time.sleep(0.004)  # a load that the shared machine and the chain can follow


def run_and_kill(
    chain: LocalChain, folder: Path, devices: list[Device], life_s: float, chain_life_s: float
) -> bytes:
    """Run one child until it is killed. Returns the commitments that it acknowledged.

    If the chain's life is the shorter one, the chain is killed and started again meanwhile.
    """
    readable, writable = os.pipe()
    child = _processes.Process(target=work, args=(chain, folder, devices, writable))
    child.start()
    os.close(writable)
    received = bytearray()

    def read() -> None:
        while data := os.read(readable, 65536):
            received.extend(data)

    reader = threading.Thread(target=read)
    reader.start()
    child.join(min(life_s, chain_life_s))
    if chain_life_s < life_s:
        chain.kill()
        chain.start()
        child.join(life_s - chain_life_s)
    died_alone = child.exitcode
    if child.pid is not None and died_alone is None:
        os.kill(child.pid, signal.SIGKILL)
    child.join()
    reader.join()
    os.close(readable)
    assert died_alone is None, "the child ended by itself: see its output"
    # The kill may have cut a pipe write of a whole group. A part of a digest acknowledges nothing.
    return bytes(received[: len(received) // 32 * 32])


@pytest.fixture
def chain(tmp_path: Path) -> Iterator[LocalChain]:
    made = LocalChain(tmp_path / "chain", state_interval_s=1)
    yield made
    made.stop()


def test_every_acknowledged_commitment_is_anchored_exactly_once(
    chain: LocalChain, tmp_path: Path
) -> None:
    seed = int(os.environ.get("COUNTERSIGN_CRASH_SEED") or secrets.randbits(32))
    choices = random.Random(seed)
    print(f"COUNTERSIGN_CRASH_KILLS={KILLS} COUNTERSIGN_CRASH_SEED={seed}")
    create_key_file(tmp_path / "ledger.key")
    key = LedgerKey.load_or_create(tmp_path / "ledger.key")
    # The contracts and our balance are in the chain's saved state before the chain is first killed.
    chain.fund(key.address)
    devices = [Device() for _ in range(DEVICES)]

    acknowledged: list[bytes] = []
    chain_kills = 0
    for _ in range(KILLS):
        life_s = choices.uniform(0.05, 1.2)
        chain_life_s = choices.uniform(0.0, 3.0)
        chain_kills += chain_life_s < life_s
        received = run_and_kill(chain, tmp_path, devices, life_s, chain_life_s)
        acknowledged += [received[at : at + 32] for at in range(0, len(received), 32)]
        print(f"killed after {life_s:.2f} s and {len(received) // 32} acknowledged")
    assert acknowledged, "the load never started"

    registry = SqliteRegistry(tmp_path / "registry.sqlite3", GATEWAY_ID)
    site = Site(chain, registry, key=key, batch_max=BATCH, batch_age_s=0.5)
    site.settle(400)
    counts = registry.counts()
    registry_commitments = registry.commitments(0, counts.commitments)

    # Nothing acknowledged is lost, and the record has nothing twice.
    assert len(set(acknowledged)) == len(acknowledged)
    assert set(acknowledged) <= set(registry_commitments)
    assert len(set(registry_commitments)) == len(registry_commitments)
    assert counts.anchored == counts.commitments and counts.outbox_failed == 0

    # The chain's events alone tell each batch once, in order. Under its root are exactly the
    # commitments that follow those of the batch before.
    head, position = bytes(32), 0
    events = chain.batches(key.address)
    # The first check is that the chain is consistent. Real chains commit to effects and events in
    # one header. anvil can be made to start from a state that lost an event (decision 0011), and
    # then the events prove nothing about the gateway.
    assert chain.tip(key.address)[0] == len(events), "the chain lost events that it counted"
    for number, (sequence, root, size, event_head) in enumerate(events, 1):
        assert sequence == number
        assert root == merkle.root(registry_commitments[position : position + size])
        head = hashlib.sha256(head + root + size.to_bytes(4, "big")).digest()
        assert head == event_head
        position += size
    assert position == len(registry_commitments)
    assert chain.tip(key.address) == (len(events), head)
    assert all(state is OutboxState.FINALIZED for state in site.states())
    # The chain confirms what the record, and with it a receipt, says of a batch's transaction.
    for sequence in range(1, len(events) + 1):
        anchored = site.outbox.anchored(sequence)
        assert chain.block_of(anchored.transaction_hash) == anchored.block_number
    registry.close()
    print(
        f"{KILLS} kills, {chain_kills} of the chain too: {len(acknowledged)} acknowledged,"
        f" {len(registry_commitments)} recorded, {len(events)} batches, 0 lost, 0 duplicated"
    )
