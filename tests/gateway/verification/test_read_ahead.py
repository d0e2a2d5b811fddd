"""Verdicts of a device and their order are the same with the worker, without, and after it."""

from __future__ import annotations

import io
import json
import os
import signal
import threading
import time

import pytest

from countersign_gateway.ingress.intake import Intake
from countersign_gateway.model import Envelope, Reply
from countersign_gateway.operations.log import EventLog
from countersign_gateway.verification import read_ahead, worker
from countersign_gateway.verification.public_keys import PublicKeys
from countersign_gateway.verification.read_ahead import Examined, ReadAhead
from countersign_workshop.simulation.simulated_device import SimulatedDevice
from support.gateway import corpus
from support.gateway.site_under_test import SiteUnderTest

PATIENCE_S = 20.0


class ReadingAhead:
    """A ReadAhead between two intakes, on a thread of its own."""

    def __init__(self, site: SiteUnderTest, cores: int = 2) -> None:
        self.intake, self.examined = Intake(), Intake(1024)
        self.log = io.StringIO()
        self.reader = ReadAhead(site.registry.device, EventLog(self.log), cores)
        self._thread = threading.Thread(
            target=self.reader.run, args=(self.intake, self.examined), daemon=True
        )
        self._thread.start()

    def through(self, envelopes: list[Envelope]) -> list[Envelope]:
        # All at once: ReadAhead starts a worker only if many envelopes wait together.
        self.intake.put_all(envelopes)
        return self.receive(len(envelopes))

    def receive(self, count: int) -> list[Envelope]:
        received: list[Envelope] = []
        deadline_s = time.monotonic() + PATIENCE_S
        while len(received) < count and time.monotonic() < deadline_s:
            received += self.examined.take(count, 0.05)
        return received

    def worker_pid(self) -> int | None:
        worker = self.reader._worker
        return None if worker is None else worker._process.pid

    def close(self) -> None:
        self.intake.close()
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive()
        assert self.examined.closed


@pytest.fixture
def site():
    return SiteUnderTest()


@pytest.fixture
def reading(site):
    running = ReadingAhead(site)
    yield running
    running.close()


def process(site: SiteUnderTest, envelopes: list[Envelope]) -> list[Reply]:
    """As site.process, but it keeps the envelopes that were read ahead as they are."""
    site.replies.clear()
    site.pipeline.process(envelopes)
    return list(site.replies)


def many(device: SimulatedDevice, site: SiteUnderTest, count: int) -> list[Envelope]:
    return [device.envelope(device.evidence(site.beacons.current)) for _ in range(count)]


def test_a_group_of_evidence_is_read_by_the_worker(site, reading):
    device = site.enrolled("one")
    sent = many(device, site, 200)
    received = reading.through(sent)
    assert [one.payload for one in received] == [one.payload for one in sent]
    assert all(isinstance(one, Examined) and one.genuine for one in received)
    assert {one.checked_key for one in received} == {device.public_key}
    assert [one.acknowledge for one in received] == [one.acknowledge for one in sent]
    replies = process(site, received)
    assert [site.reason(reply.payload) for reply in replies] == ["ACCEPTED"] * 200


def test_few_messages_start_no_worker(site, reading):
    device = site.enrolled("one")
    for _ in range(20):
        (received,) = reading.through(many(device, site, 1))
        assert not isinstance(received, Examined)
    assert reading.worker_pid() is None


def test_one_core_starts_no_worker(site):
    reading = ReadingAhead(site, cores=1)
    device = site.enrolled("one")
    received = reading.through(many(device, site, 100))
    assert len(received) == 100
    assert not any(isinstance(one, Examined) for one in received)
    assert reading.worker_pid() is None
    reading.close()


def everything_wrong(site: SiteUnderTest) -> list[Envelope]:
    """One envelope for each way to be refused, and some accepted ones, for a fresh site."""
    device, other = site.enrolled("one"), site.enrolled("other")
    stranger = site.device("stranger")
    beacon = site.beacons.current
    good = device.evidence(beacon)
    forged = device.evidence(beacon)[:-64] + bytes(64)
    signed_by_other = SimulatedDevice.named("impostor", site.key.gateway_id)
    signed_by_other.device_id = device.device_id
    envelopes = [
        device.envelope(good),
        device.envelope(good),  # replayed
        device.envelope(forged),
        device.envelope(signed_by_other.evidence(beacon, counter=90)),
        device.envelope(device.evidence(bytes(32))),  # stale beacon
        device.envelope(device.evidence(beacon, audience=bytes(32))),
        device.envelope(device.evidence(beacon, counter=1)),  # out of order
        device.envelope(other.evidence(beacon)),  # on another device's topic
        device.envelope(good, "enrol"),
        device.envelope(stranger.request(), "evidence"),
        stranger.envelope(stranger.evidence(beacon)),
        stranger.envelope(stranger.request(), "enrol"),
        Envelope(None, "", good, lambda: None),
        device.envelope(b""),
        device.envelope(good[:-1]),
        device.envelope(good + b"\0"),
        other.envelope(other.evidence(beacon)),
    ]
    envelopes += [device.envelope(mutant) for mutant in corpus.mutants(1, 60)]
    envelopes += [other.envelope(other.evidence(beacon)) for _ in range(40)]
    return envelopes


def verdicts(site: SiteUnderTest, envelopes: list[Envelope]) -> list[tuple[bytes, str]]:
    replies = process(site, envelopes)
    return [
        (reply.device_id, reply.kind if reply.kind == "challenge" else site.reason(reply.payload))
        for reply in replies
    ]


def of_each(envelopes: list[Envelope]) -> dict[bytes | None, list[bytes]]:
    """The payloads under each name: the order from one to another is that of their turns."""
    names = {one.device_id for one in envelopes}
    return {name: [one.payload for one in envelopes if one.device_id == name] for name in names}


def test_every_verdict_is_the_same_as_without(site, reading):
    envelopes = everything_wrong(site)
    received = reading.through(envelopes)
    assert len(received) == len(envelopes)
    assert of_each(received) == of_each(envelopes)
    examined = [one for one in received if isinstance(one, Examined)]
    assert len(examined) > 40
    assert not all(one.genuine for one in examined)
    plain = SiteUnderTest()
    plain.beacons._accepted = site.beacons._accepted
    for name in ("one", "other"):
        plain.enrolled(name)
    found, expected = verdicts(site, received), verdicts(plain, envelopes)
    assert len(found) == len(expected)
    for name in {device_id for device_id, _ in expected}:
        assert [one for one in found if one[0] == name] == [
            one for one in expected if one[0] == name
        ]


def test_a_key_that_is_no_longer_the_devices_is_not_enough(site, reading):
    device = site.enrolled("one")
    received = reading.through(many(device, site, 64))
    aged = received[0]
    assert isinstance(aged, Examined)
    other = Examined(
        aged.device_id,
        aged.kind,
        aged.payload,
        aged.acknowledge,
        aged.fields,
        bytes(32),
        True,
    )
    (reply,) = process(site, [other])
    assert site.reason(reply.payload) == "UNKNOWN_DEVICE"


def test_a_worker_that_dies_takes_nothing_with_it(site, reading):
    device = site.enrolled("one")
    sent = many(device, site, 100)
    received = reading.through(sent)
    first = reading.worker_pid()
    assert first is not None
    later = []
    for number in range(12):
        batch = many(device, site, 64)
        later += batch
        reading.intake.put_all(batch)
        if number == 4:
            os.kill(first, signal.SIGKILL)
    received += reading.receive(len(later))
    assert [one.payload for one in received] == [one.payload for one in sent + later]
    assert isinstance(received[0], Examined)
    assert not isinstance(received[-1], Examined)
    events = [json.loads(line)["event"] for line in reading.log.getvalue().splitlines()]
    assert events == ["verification_worker_lost"]
    replies = process(site, received)
    assert [site.reason(reply.payload) for reply in replies] == ["ACCEPTED"] * len(received)
    # ReadAhead starts another worker when that is due.
    reading.reader._not_before_s = 0.0
    assert all(isinstance(one, Examined) for one in reading.through(many(device, site, 64)))
    assert reading.worker_pid() not in (None, first)


def test_a_worker_that_cannot_start_is_done_without(site, reading, monkeypatch):
    def refuse(*_arguments: object, **_settings: object) -> None:
        raise OSError("no more processes")

    monkeypatch.setattr(read_ahead.subprocess, "Popen", refuse)
    device = site.enrolled("one")
    received = reading.through(many(device, site, 100))
    assert len(received) == 100
    assert not any(isinstance(one, Examined) for one in received)
    assert "verification_worker_missing" in reading.log.getvalue()


def test_a_worker_ends_with_its_gateway(site):
    reading = ReadingAhead(site)
    reading.through(many(site.enrolled("one"), site, 100))
    pid = reading.worker_pid()
    assert pid is not None
    assert os.path.exists(f"/proc/{pid}")
    reading.close()
    assert not os.path.exists(f"/proc/{pid}")


def test_what_waits_is_bounded_and_nothing_is_turned_away():
    narrow = Intake(10)
    envelopes = [Envelope(None, "", bytes([number]), lambda: None) for number in range(100)]

    def feed() -> None:
        for start in range(0, 100, 5):
            narrow.put_all(envelopes[start : start + 5])
        narrow.close()

    feeder = threading.Thread(target=feed, daemon=True)
    feeder.start()
    received: list[Envelope] = []
    while not (narrow.closed and len(narrow) == 0):
        assert len(narrow) < 10 + 5
        received += narrow.take(3, 0.5)
    feeder.join(PATIENCE_S)
    assert received == envelopes


def test_no_signature_is_checked_of_what_names_another_device(site):
    device, other = site.enrolled("one"), site.enrolled("other")
    evidence = other.evidence(site.beacons.current)
    keys = _CountingKeys()
    answer = worker.examine(device.device_id, device.public_key, evidence, keys)
    assert answer is not None
    assert (answer[0], answer[1]["device_id"], keys.checked) == (False, other.device_id, 0)
    answer = worker.examine(other.device_id, other.public_key, evidence, keys)
    assert answer is not None
    assert (answer[0], keys.checked) == (True, 1)


class _CountingKeys(PublicKeys):
    checked = 0

    def verify(self, public_key: bytes, digest: bytes, signature: bytes) -> bool:
        self.checked += 1
        return super().verify(public_key, digest, signature)
