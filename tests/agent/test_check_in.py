"""Check-in: when a device sends evidence, and how it treats beacons, counters and denials."""

from countersign import reasons
from countersign.carriers import kinds
from support.agent.memory_site import GATEWAY_SECRET, OTHER_SECRET
from support.agent.rig import INTERVAL_MS, Rig


def enrolled(**changes):
    rig = Rig(**changes)
    rig.run_until("verdict", 2)
    return rig


def evidence_of(rig):
    return [message.fields for name, message, _ in rig.gateway.received if name == "Evidence"]


def test_checks_in_on_the_interval_with_growing_counters():
    rig = enrolled()
    rig.run_for(10 * INTERVAL_MS)
    sent = evidence_of(rig)
    assert 10 <= len(sent) <= 12
    counters = [fields["counter"] for fields in sent]
    assert counters == sorted(set(counters))
    assert sent[-1]["uptime_s"] >= 9 * INTERVAL_MS // 1000
    assert sent[-1]["readings"] == {"temperature": 21}
    assert sent[-1]["boot_count"] == 1


def test_uses_the_newest_beacon():
    rig = enrolled()
    rig.gateway.publish_beacon()
    rig.run_until("verdict", 3)
    assert evidence_of(rig)[-1]["beacon"] == rig.gateway.beacon
    assert not rig.all("refused")


def test_waits_for_a_newer_beacon_when_its_own_is_stale():
    rig = enrolled()
    # The beacon changes, and the broker does not announce it.
    old = rig.broker.beacon
    rig.gateway.publish_beacon()
    new = rig.broker.beacon
    rig.broker.queue.clear()
    rig.broker.beacon = old
    rig.run_until("refused")
    assert rig.all("refused")[0]["reason"] == "STALE_BEACON"
    sent = len(evidence_of(rig))
    rig.run_for(5 * INTERVAL_MS)
    assert len(evidence_of(rig)) == sent, "evidence with a beacon that is known to be stale"
    rig.broker.retain_beacon(new)
    rig.run_until("verdict", 3)


def test_follows_a_gateway_that_counts_its_beacons_anew():
    rig = enrolled()
    for _ in range(5):
        rig.gateway.publish_beacon()
    rig.run_until("verdict", 3)
    rig.gateway._sequence = 0  # restored from an old backup
    rig.gateway.publish_beacon()
    rig.run_until("refused")
    rig.run_until("verdict", 4)
    assert rig.all("verdict")[-1]["allow"] is True


def test_ignores_an_older_beacon_and_one_of_another_signer():
    rig = enrolled()
    current = rig.gateway.beacon
    old = rig.gateway.make_beacon(b"\x33" * 32, 0)
    rig.gateway.secret = OTHER_SECRET
    forged = rig.gateway.make_beacon(b"\x44" * 32, 99)
    rig.gateway.secret = GATEWAY_SECRET
    for data in (old, forged):
        rig.broker.deliver(kinds.BEACON, data)
    rig.run_until("verdict", 4)
    assert rig.all("ignored")
    for fields in evidence_of(rig):
        assert fields["beacon"] == current


def test_a_missing_verdict_means_new_evidence_with_a_new_counter():
    rig = enrolled()
    rig.gateway.is_silent = True
    rig.run_until("timed_out", 3)
    rig.gateway.is_silent = False
    rig.run_until("verdict", 3)
    counters = [fields["counter"] for fields in evidence_of(rig)]
    assert counters == sorted(set(counters))
    assert len(counters) >= 5


def test_silence_is_asked_ever_more_slowly():
    rig = enrolled()
    rig.gateway.is_silent = True
    sent = len(evidence_of(rig))
    rig.run_for(200000)
    # Without the growing pauses, the 2 s timeout would give more than 100.
    assert len(evidence_of(rig)) - sent < 55


def test_counters_go_on_over_reboots():
    rig = enrolled()
    for boots in range(2, 5):
        rig.boot()
        rig.run_until("verdict", 2 * boots)  # the gateway asserts that no counter goes back
        assert evidence_of(rig)[-1]["boot_count"] == boots


def test_a_suspended_or_quarantined_device_tries_on_slowly():
    for reason in (reasons.SUSPENDED, reasons.QUARANTINED):
        rig = enrolled()
        rig.gateway.deny_with = reason
        rig.run_until("verdict", 3)
        sent = len(evidence_of(rig))
        rig.run_for(20 * INTERVAL_MS)
        assert 1 <= len(evidence_of(rig)) - sent <= 2
        rig.gateway.deny_with = None
        rig.run_for(20 * INTERVAL_MS)
        assert rig.all("verdict")[-1]["allow"] is True


def test_a_revoked_device_stops():
    rig = enrolled()
    rig.gateway.deny_with = reasons.REVOKED
    rig.run_until("stopped")
    sent = len(evidence_of(rig))
    rig.run_for(10 * INTERVAL_MS)
    assert len(evidence_of(rig)) == sent


def test_a_replayed_refusal_waits_for_the_next_interval():
    rig = enrolled()
    rig.gateway.refuse_with = reasons.REPLAYED
    rig.run_until("refused")
    rig.gateway.refuse_with = None
    sent = len(evidence_of(rig))
    rig.run_for(INTERVAL_MS // 2)
    assert len(evidence_of(rig)) == sent
    rig.run_for(INTERVAL_MS)
    assert len(evidence_of(rig)) > sent


def test_a_refusal_code_of_a_later_version_is_survived():
    rig = enrolled()
    rig.gateway.refuse_with = 200
    rig.run_until("refused")
    assert rig.all("refused")[0]["reason"] == "REASON_200"
    rig.gateway.refuse_with = None
    rig.run_until("verdict", 3)


def test_memory_of_pending_messages_is_bounded():
    rig = enrolled(max_pending=4)
    rig.run_for(20 * INTERVAL_MS)
    assert len(rig.agent._inbox.pending) == 4
