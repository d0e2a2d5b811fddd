"""Under a flood, every table and the memory of the process stay bounded."""

from __future__ import annotations

import gc
import hashlib
import os
import random
import threading
import time
from pathlib import Path

from countersign import accounts, messages, reasons
from countersign.carriers import topics
from countersign_gateway.ingress.intake import Intake
from countersign_gateway.ingress.mqtt.mqtt_ingress import MqttIngress
from countersign_gateway.ingress.repute import IN_A_ROW
from countersign_gateway.model import Envelope
from countersign_gateway.operations.tally import Tally
from countersign_gateway.operations.throttle import ErrorBudget, Throttle
from countersign_gateway.verification import codec
from countersign_workshop.simulation.simulated_device import SimulatedDevice
from support.gateway import corpus
from support.gateway.raw_mqtt import RawClient, connect_packet, publish_packet
from support.gateway.running_site import PATIENCE_S, SITE, running_site
from support.gateway.site_under_test import FakeClock, SiteUnderTest
from support.process_memory import resident_bytes

MIB = 1 << 20


def test_the_intake_takes_no_more_than_it_holds():
    intake = Intake(max_envelopes=100)
    envelopes = [Envelope(n.to_bytes(32, "big"), "", b"", lambda: None) for n in range(1000)]
    assert sum(intake.put(envelope) for envelope in envelopes) == 100
    assert len(intake) == 100
    assert len(intake.take(30, 0)) == 30
    assert sum(intake.put(envelope) for envelope in envelopes[100:]) == 30


def test_the_intake_hands_over_in_order_and_wakes_whoever_waits():
    intake = Intake()
    taken: list[Envelope] = []
    reader = threading.Thread(target=lambda: taken.extend(intake.take(10, PATIENCE_S)), daemon=True)
    reader.start()
    envelopes = [Envelope(None, "", bytes([number]), lambda: None) for number in range(5)]
    for envelope in envelopes:
        intake.put(envelope)
    reader.join(PATIENCE_S)
    taken.extend(intake.take(10, 0))
    assert taken == envelopes


def test_errors_are_rationed_and_the_table_of_topics_is_bounded():
    clock = FakeClock()
    throttle = Throttle(
        clock, each_per_s=1.0, each_burst=2.0, all_per_s=10.0, all_burst=50.0, max_keys=64
    )
    passed = sum(throttle.allow(number.to_bytes(4, "big")) for number in range(10_000))
    assert passed == 50
    assert len(throttle) == 64
    clock.now_s += 2.0
    passed = sum(throttle.allow(number.to_bytes(4, "big")) for number in range(10_000))
    assert passed == 20
    clock.now_s += 1e6
    assert [throttle.allow(b"one") for _ in range(3)] == [True, True, False]


def test_a_flood_of_garbage_and_of_new_keys_leaves_no_trace_in_memory():
    site = SiteUnderTest()
    site.pipeline._refusals._budget = ErrorBudget(site.clock)
    rng = random.Random(5)
    mutants = list(corpus.mutants(5, 500))
    # Requests of many keys: each is valid, and no proof follows any of them.
    requests = [site.device(str(number)) for number in range(300)]
    flood = [one.envelope(one.request(), "enrol") for one in requests]

    def wave() -> None:
        for _ in range(4):
            nobody = [
                Envelope(rng.randbytes(32), "evidence", data, lambda: None) for data in mutants
            ]
            site.process(*nobody)
        site.process(*flood)
        site.log.seek(0)
        site.log.truncate()

    wave()
    gc.collect()
    before = resident_bytes(os.getpid())
    for _ in range(10):
        wave()
    gc.collect()
    assert resident_bytes(os.getpid()) - before < 16 * MIB
    assert len(site.pipeline._refusals._budget) <= 5 * 4096
    assert site.registry.commitment_count() == 0


class _Message:
    """A message as paho passes it to its callback."""

    def __init__(self, topic: str, payload: bytes, mid: int) -> None:
        self.topic = topic
        self.payload = payload
        self.mid = mid
        self.qos = 1


class _Client:
    def __init__(self) -> None:
        self.acknowledged: list[int] = []

    def ack(self, mid: int, qos: int) -> None:
        self.acknowledged.append(mid)


def an_ingress(site: SiteUnderTest, intake: Intake, tally: Tally) -> tuple[MqttIngress, _Client]:
    from countersign_gateway.config import Endpoint
    from countersign_gateway.operations.log import EventLog

    ingress = MqttIngress(
        endpoint=Endpoint("127.0.0.1", 1),
        site=SITE,
        client_id="test",
        intake=intake,
        refuse_early=site.pipeline.refuse_early,
        named_device=codec.named_device,
        log=EventLog(site.log),
        tally=tally,
    )
    client = _Client()
    ingress._client = client  # type: ignore[assignment]
    return ingress, client


def test_what_the_queue_cannot_take_is_shed_acknowledged_counted_and_answered_busy():
    site = SiteUnderTest()
    site.pipeline._refusals._budget = ErrorBudget(site.clock, each_burst=2.0)
    device = site.enrolled("one")
    site.replies.clear()
    intake, tally = Intake(max_envelopes=10), Tally()
    ingress, client = an_ingress(site, intake, tally)
    topic = topics.uplink(SITE, device.device_id, "evidence")
    for mid in range(1, 101):
        payload = device.evidence(site.beacons.current)
        ingress._message(client, None, _Message(topic, payload, mid))  # type: ignore[arg-type]
    assert len(intake) == 10
    assert tally.shed == 90
    assert client.acknowledged == list(range(11, 101))
    assert [site.reason(reply.payload) for reply in site.replies] == ["BUSY", "BUSY"]
    # Queued messages are acknowledged after the pipeline has processed them, and not before.
    site.pipeline.process(intake.take(10, 0))
    assert client.acknowledged[90:] == list(range(1, 11))


def test_what_is_too_large_is_not_queued():
    site = SiteUnderTest()
    device = site.device("one")
    intake, tally = Intake(), Tally()
    ingress, client = an_ingress(site, intake, tally)
    topic = topics.uplink(SITE, device.device_id, "evidence")
    payload = bytes(messages.MAX_MESSAGE_BYTES + 1)
    ingress._message(client, None, _Message(topic, payload, 7))  # type: ignore[arg-type]
    assert (len(intake), tally.oversized, client.acknowledged) == (0, 1, [7])
    (reply,) = site.replies
    error = messages.open_message(reply.payload).fields
    assert error["reason"] == reasons.OVERSIZED
    assert error["subject"] == hashlib.sha256(payload).digest()


def test_what_strangers_write_in_a_device_s_name_takes_none_of_its_places():
    site = SiteUnderTest()
    device = site.device("one")
    intake = Intake()
    ingress, client = an_ingress(site, intake, Tally())
    lobby = accounts.lobby_username(device.device_id)
    shared = topics.of_account(SITE, lobby, "up/enrol")
    own = topics.uplink(SITE, device.device_id, "enrol")
    for mid in range(1, 601):
        message = _Message(shared, device.request(), mid)
        ingress._message(client, None, message)  # type: ignore[arg-type]
    ingress._message(client, None, _Message(own, device.request(), 601))  # type: ignore[arg-type]
    first, second = intake.take(2, 0)
    assert (first.device_id, first.account) == (device.device_id, lobby)
    assert (second.device_id, second.account) == (device.device_id, None)


def test_only_what_a_device_made_anew_keeps_it_from_ill_repute():
    site = SiteUnderTest()
    device, other = site.enrolled("one"), site.enrolled("other")
    repute = site.pipeline._repute
    good = device.evidence(site.beacons.current)
    foreign = other.evidence(site.beacons.current)
    garbage = [device.envelope(one) for one in (b"", good[:-1], foreign)]
    site.process(device.envelope(good))
    site.process(*garbage * IN_A_ROW)
    assert repute.ill(device.device_id)
    site.process(device.envelope(good))  # replayed
    assert repute.ill(device.device_id)
    site.process(device.envelope(device.evidence(bytes(32))))  # genuine, of a stale beacon
    assert not repute.ill(device.device_id)
    site.process(*garbage * IN_A_ROW)
    site.process(device.envelope(device.evidence(site.beacons.current)))
    assert len(repute) == 0


def test_topics_of_an_attacker_s_making_are_not_collected():
    site = SiteUnderTest()
    ingress, client = an_ingress(site, Intake(max_envelopes=0), Tally())
    for number in range(40_000):
        message = _Message(f"countersign/v1/{SITE}/{number}/up/evidence", b"", 1)
        ingress._message(client, None, message)  # type: ignore[arg-type]
    assert len(ingress._topics) <= 16384


def test_a_reconnect_makes_old_acknowledgements_void():
    site = SiteUnderTest()
    device = site.enrolled("one")
    intake = Intake()
    ingress, client = an_ingress(site, intake, Tally())
    topic = topics.uplink(SITE, device.device_id, "evidence")
    payload = device.evidence(site.beacons.current)
    ingress._message(client, None, _Message(topic, payload, 7))  # type: ignore[arg-type]
    ingress._connection += 1
    site.pipeline.process(intake.take(1, 0))
    assert client.acknowledged == []


def test_a_device_that_floods_the_own_broker_costs_bounded_memory(tmp_path: Path):
    with running_site(tmp_path, None) as site:
        assert site.site_account_key is not None
        honest, flooding = (
            site.connect(SimulatedDevice.named(name, site.gateway.key.gateway_id))
            for name in ("one", "flood")
        )
        assert [honest.enrol(), flooding.enrol()] == ["ACCEPTED"] * 2
        flooding.close()
        account = flooding.device.broker_account(site.site_account_key, SITE)
        flood = RawClient(site.address, connect_packet("flood", account))
        topic = topics.uplink(SITE, flooding.device.device_id, "evidence")
        publish = publish_packet(topic, b"\xff" * 2000, False, 1)
        stop = threading.Event()

        def write() -> None:
            flood.socket.settimeout(1.0)
            while not stop.is_set():
                try:
                    flood.socket.sendall(publish * 50)
                except TimeoutError:
                    continue
                except OSError:
                    return

        def read() -> None:
            while not stop.is_set() and flood.received(0.5):
                pass

        threads = [threading.Thread(target=work, daemon=True) for work in (write, read)]
        for thread in threads:
            thread.start()
        time.sleep(1.0)
        before = resident_bytes(os.getpid())
        time.sleep(4.0)
        grown = resident_bytes(os.getpid()) - before
        # The gateway still serves an honest device during the flood.
        assert honest.check_in() == "ACCEPTED"
        stop.set()
        flood.close()
        honest.close()
        assert grown < 32 * MIB
        assert site.gateway.tally.refused.get("MALFORMED", 0) > 100
