"""The gateway on serial lines: it works as on MQTT, even on faulty lines."""

from __future__ import annotations

import random
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from countersign import messages
from countersign.carriers import framing, kinds
from countersign_gateway.ingress.serial_lines import line_links, serial_line
from countersign_gateway.model import Reply
from countersign_workshop.simulation.simulated_device import SimulatedDevice
from support.gateway.running_site import (
    PATIENCE_S,
    RunningSite,
    reason_of,
    running_site,
)
from support.gateway.serial_lines import FarEnd, section


@pytest.fixture
def far_ends() -> Iterator[list[FarEnd]]:
    ends = [FarEnd(), FarEnd(2)]
    yield ends
    for end in ends:
        end.close()


@pytest.fixture
def site(far_ends: list[FarEnd], tmp_path: Path) -> Iterator[RunningSite]:
    with running_site(tmp_path, None, lines="".join(section(end.url) for end in far_ends)) as one:
        yield one


def device(name: str, site: RunningSite) -> SimulatedDevice:
    return SimulatedDevice.named(name, site.gateway.key.gateway_id)


def test_devices_of_two_lines_and_of_the_broker_enrol_and_check_in(site, far_ends):
    first, second = far_ends
    hub = [device(str(number), site) for number in range(3)]
    alone = device("alone", site)
    wireless = site.connect(device("wireless", site))
    assert [first.enrol(one) for one in hub] == ["ACCEPTED"] * 3
    assert second.enrol(alone) == "ACCEPTED"
    assert wireless.enrol() == "ACCEPTED"
    for _ in range(3):
        assert [first.check_in(one) for one in hub] == ["ACCEPTED"] * 3
        assert second.check_in(alone) == "ACCEPTED"
        assert wireless.check_in() == "ACCEPTED"
    wireless.close()
    assert {one for _, one, _ in second.received} == {alone.device_id}
    assert site.gateway.registry.counts().commitments == 5 + 15


def test_the_same_refusals_as_over_the_broker(site, far_ends):
    end, _ = far_ends
    one, other = device("one", site), device("other", site)
    assert end.enrol(one) == "ACCEPTED"
    good = one.evidence(end.wait_for_beacon(one))
    stranger = other.evidence(end.beacon)
    cases = [
        (one, good, "evidence", "ACCEPTED"),
        (one, good, "evidence", "REPLAYED"),
        (one, b"\xff" * 30, "evidence", "MALFORMED"),
        (one, one.evidence(end.beacon, environment=1), "enrol", "WRONG_TOPIC"),
        (other, stranger, "evidence", "UNKNOWN_DEVICE"),
    ]
    for sender, payload, kind, reason in cases:
        end.received.clear()
        end.send(sender, payload, kind)
        assert end.answer_to(payload) == reason
    time.sleep(1.1)  # until the throttle allows an Error for this device again
    end.received.clear()
    swapped = one.evidence(end.beacon, boot_count=9)
    end.send(other, swapped)
    assert end.answer_to(swapped) == "WRONG_TOPIC"
    assert end.link.waiting == 0, "refused and never acknowledged"


def test_replies_go_where_their_messages_came_from(site, far_ends):
    first, second = far_ends
    one = device("roaming", site)
    assert first.enrol(one) == "ACCEPTED"
    assert second.check_in(one) == "ACCEPTED"
    wireless = site.connect(one)
    heard = len(first.received) + len(second.received)
    assert wireless.check_in() == "ACCEPTED"
    wireless.close()
    first.turn()
    second.turn()
    assert len(first.received) + len(second.received) == heard
    assert first.check_in(one) == "ACCEPTED"


def test_a_replay_elsewhere_draws_no_receipts(site, far_ends):
    """A thief replays a message through the broker. The refusal goes there, receipts do not."""
    end, _ = far_ends
    one = device("one", site)
    assert end.enrol(one) == "ACCEPTED"
    payload = one.evidence(end.wait_for_beacon(one))
    end.send(one, payload)
    assert end.answer_to(payload) == "ACCEPTED"
    thief = site.connect(one)
    assert reason_of(thief.exchange(payload)[1]) == "REPLAYED"
    site.gateway.outlet.send_receipt(Reply(one.device_id, "receipt", b"the receipt"))
    end.run_until(lambda: b"the receipt" in [payload for _, _, payload in end.of(one)])
    # A sender that proves the key elsewhere takes the receipts there.
    assert thief.check_in() == "ACCEPTED"
    thief.close()
    end.received.clear()
    site.gateway.outlet.send_receipt(Reply(one.device_id, "receipt", b"another receipt"))
    assert end.check_in(one) == "ACCEPTED"
    assert b"another receipt" not in [payload for _, _, payload in end.of(one)]


def test_garbage_elsewhere_in_a_device_s_name_draws_no_answer_away(site, far_ends):
    """Somebody floods the broker and another line with messages that name a wired device."""
    end, other = far_ends
    one = device("one", site)
    assert end.enrol(one) == "ACCEPTED"
    end.wait_for_beacon(one)
    thief = site.connect(one)
    for number in range(3):
        payload = one.evidence(end.beacon)
        with hold(site):  # both messages wait before either is answered, the garbage last
            end.send(one, payload)
            arrived(site, end, 1)
            thief.send(b"garbage %d" % number)
            other.send(one, b"more garbage %d" % number)
            arrived(site, other, 3)
        assert end.answer_to(payload) == "ACCEPTED"
    site.gateway.outlet.send_receipt(Reply(one.device_id, "receipt", b"the receipt"))
    end.run_until(lambda: b"the receipt" in [payload for _, _, payload in end.of(one)])
    thief.close()
    # The garbage was answered where it came from.
    assert {reason_of(payload) for _, _, payload in other.of(one)} == {"MALFORMED"}
    assert "MALFORMED" not in {
        reason_of(payload) for kind, _, payload in end.of(one) if kind in ("result", "error")
    }


@contextmanager
def hold(site: RunningSite) -> Iterator[None]:
    """Let messages wait between the transports and the pipeline for as long as the block runs."""
    intake = site.gateway._intake
    take = intake.take
    intake.take = lambda most, timeout_s: time.sleep(0.01) or []  # type: ignore[method-assign]
    try:
        time.sleep(1.1)  # until a take that is under way has ended
        yield
    finally:
        intake.take = take  # type: ignore[method-assign]


def arrived(site: RunningSite, end: FarEnd, messages_waiting: int) -> None:
    end.run_until(lambda: len(site.gateway._intake) >= messages_waiting, "nothing arrived")


def test_a_full_gateway_says_busy_and_the_line_goes_on(site, far_ends, monkeypatch):
    end, _ = far_ends
    one = device("one", site)
    assert end.enrol(one) == "ACCEPTED"
    payload = one.evidence(end.wait_for_beacon(one))
    with monkeypatch.context() as patch:
        patch.setattr(site.gateway._intake, "put", lambda envelope: False)
        end.send(one, payload)
        assert end.answer_to(payload) == "BUSY"
    assert site.gateway.tally.serial_shed == 1
    assert end.check_in(one) == "ACCEPTED"


def test_an_oversized_message_is_refused_and_the_line_goes_on(site, far_ends, monkeypatch):
    end, _ = far_ends
    one = device("one", site)
    assert end.enrol(one) == "ACCEPTED"
    # A sender that knows no limit.
    monkeypatch.setattr(framing, "check_body", lambda kind, device_id, payload: device_id + payload)
    for size in (messages.MAX_MESSAGE_BYTES + 1, line_links.MAX_TAKEN_BYTES):
        payload = bytes(size)
        end.send(one, payload)
        assert end.answer_to(payload) == "OVERSIZED"
    assert site.gateway.tally.serial_oversized == 2
    assert end.check_in(one) == "ACCEPTED"
    assert end.link.waiting == 0


def test_a_forged_frame_swallows_nothing_of_the_line(site, far_ends):
    end, _ = far_ends
    one = device("one", site)
    assert end.enrol(one) == "ACCEPTED"
    highest = framing.Frame(
        kinds.EVIDENCE.frame, end.link._session, framing.SEQUENCE_MAX, 0, one.device_id, b"x"
    )
    end.write_raw(framing.encode(highest))
    assert [end.check_in(one) for _ in range(5)] == ["ACCEPTED"] * 5


def test_nothing_is_acknowledged_before_it_is_durable(site, far_ends, monkeypatch):
    end, _ = far_ends
    one = device("one", site)
    assert end.enrol(one) == "ACCEPTED"
    payload = one.evidence(end.wait_for_beacon(one))
    end.run_until(lambda: end.link.waiting == 0)
    may_store = threading.Event()
    store = site.gateway.registry.store

    def slow(decisions):
        assert may_store.wait(PATIENCE_S)
        store(decisions)

    monkeypatch.setattr(site.gateway.registry, "store", slow)
    end.send(one, payload)
    for _ in range(20):
        end.turn()
    assert end.link.waiting == 1, "acknowledged before it was stored"
    may_store.set()
    end.run_until(lambda: end.link.waiting == 0)
    assert end.answer_to(payload) == "ACCEPTED"


def test_a_cable_pulled_in_mid_frame_loses_and_doubles_nothing(site, far_ends):
    end, _ = far_ends
    one = device("one", site)
    assert end.enrol(one) == "ACCEPTED"
    beacon = end.wait_for_beacon(one)
    chance = random.Random(4)
    sent = []
    for _ in range(25):
        for _ in range(chance.randrange(1, 6)):
            sent.append(one.evidence(beacon))
            end.send(one, sent[-1])
        end.cut_at = chance.randrange(1, 1500)
        for _ in range(chance.randrange(1, 12)):
            end.turn()
    end.cut_at = None
    end.run_until(lambda: end.link.waiting == 0, "not everything was acknowledged")
    # Acknowledged messages are durable: each is in the registry exactly once, in order.
    accepted = [event["counter"] for event in site.events("evidence_verified")]
    counters = [messages.open_message(payload).fields["counter"] for payload in sent]
    assert accepted == counters
    assert site.gateway.registry.counts().commitments == 1 + len(sent)
    assert end.connections > 10
    assert not site.gateway.tally.refused


def test_receipts_wait_for_a_line_that_is_away_and_hold_up_nobody(site, far_ends):
    end, other = far_ends
    one, neighbour = device("one", site), device("two", site)
    assert end.enrol(one) == "ACCEPTED"
    assert other.enrol(neighbour) == "ACCEPTED"
    end.run_until(lambda: end.link.waiting == 0)
    end.close()
    deadline_s = time.monotonic() + PATIENCE_S
    while not site.events("line_lost"):
        assert time.monotonic() < deadline_s
        time.sleep(0.02)
    # The line keeps receipts up to its bound, and drops and counts the others. Neither waits.
    for number in range(2050):
        site.gateway.outlet.send_receipt(Reply(one.device_id, "receipt", b"receipt %d" % number))
    site.gateway.outlet.send(Reply(one.device_id, "result", b"a result that nobody waits for"))
    assert site.gateway.tally.serial_unsent == 3
    site.gateway.outlet.send_receipt(Reply(neighbour.device_id, "receipt", b"for the neighbour"))
    other.run_until(lambda: (b"for the neighbour") in [p for _, _, p in other.received])
    end.listen_again()
    end.run_until(lambda: len(end.of(one)) >= 2 + 100)
    receipts = [payload for kind, _, payload in end.of(one) if kind == "receipt"]
    assert receipts == [b"receipt %d" % number for number in range(len(receipts))]


def test_a_gateway_that_is_restarted_takes_up_where_it_was(far_ends, tmp_path):
    end = far_ends[0]
    lines = section(end.url)
    with running_site(tmp_path, None, lines=lines) as site:
        one = device("one", site)
        assert end.enrol(one) == "ACCEPTED"
        assert end.check_in(one) == "ACCEPTED"
    end.beacon = b""
    with running_site(tmp_path, None, lines=lines) as site:
        assert end.check_in(one) == "ACCEPTED"
        assert site.gateway.registry.counts().commitments == 3


def test_a_flood_of_garbage_stays_on_its_line(site, far_ends):
    victim, flooded = far_ends
    one = device("one", site)
    assert victim.enrol(one) == "ACCEPTED"
    stop = threading.Event()
    chance = random.Random(5)
    garbage = [chance.randbytes(60_000), bytes(60_000), b"\x01" * 60_000]
    # Well-formed frames, each of another device and another session.
    frames = b"".join(
        framing.encode(
            framing.Frame(kinds.EVIDENCE.frame, session, 0, 0, chance.randbytes(32), b"\xff" * 40)
        )
        for session in range(500)
    )
    flooded.turn()
    connection = flooded._connection

    def flood() -> None:
        while not stop.is_set():
            for piece in [*garbage, frames]:
                try:
                    connection.sendall(piece)
                except OSError:
                    return

    flooding = threading.Thread(target=flood, daemon=True)
    flooding.start()
    try:
        assert [victim.check_in(one) for _ in range(30)] == ["ACCEPTED"] * 30
        line = site.gateway._serial._lines[1]
        assert len(line._link._reader._stuffed) <= framing.most_stuffed(line_links.MAX_TAKEN_BYTES)
        assert line._link.waiting <= 2048 and len(site.gateway._intake) <= 16
    finally:
        stop.set()
        flooded._hang_up()
        flooding.join(PATIENCE_S)
    assert site.events("line_noise")


def test_lines_that_are_not_there_stop_nobody(far_ends, tmp_path):
    end = far_ends[0]
    closed = FarEnd(3)
    closed.close()
    lines = section(closed.url) + section("/dev/no-such-line") + section(end.url)
    with running_site(tmp_path, None, lines=lines) as site:
        assert end.enrol(device("one", site)) == "ACCEPTED"
        assert {event["url"] for event in site.events("line_lost")} >= {"/dev/no-such-line"}


def test_nothing_is_said_to_who_says_nothing(tmp_path, monkeypatch):
    """A silent far end may be a board's prompt, which would take a beacon's bytes as commands."""
    monkeypatch.setattr(serial_line, "ATTENTION_MS", 1500)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"socket://127.0.0.1:{listener.getsockname()[1]}"
        with running_site(tmp_path, None, beacon_interval_s=0.1, lines=section(url)) as site:
            line = listener.accept()[0]
            line.settimeout(0.5)
            line.sendall(b"\r\n>>> \x00\x00 no frame \x00")
            assert said_on(line) == b""
            line.sendall(framing.encode(framing.Frame(framing.PING, 7, 1)))
            heard = {frame.kind for frame in framing.FrameReader().feed(said_on(line))}
            assert heard >= {framing.PONG, kinds.BEACON.frame}
            time.sleep(1.5)
            said_on(line)
            before = len(site.events("beacon_published"))
            assert said_on(line) == b"", "it goes on talking to who has gone"
            assert len(site.events("beacon_published")) > before
            line.close()


def said_on(line: socket.socket) -> bytes:
    """The bytes that arrive until none has arrived for half a second."""
    said = b""
    try:
        while data := line.recv(4096):
            said += data
            if len(said) > 100_000:
                break
    except TimeoutError:
        pass
    return said
