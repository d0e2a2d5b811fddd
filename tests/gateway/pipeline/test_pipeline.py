"""The pipeline without a transport: its answers, its durable records, and their order."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from countersign import messages, reasons
from countersign_gateway.ingress.intake import Intake
from countersign_gateway.model import Decision, Envelope, Status
from countersign_gateway.operations.throttle import ErrorBudget
from countersign_gateway.pipeline.pipeline import MAX_GROUP_S
from countersign_gateway.registry.interface import RegistryError
from support.gateway.memory_registry import MemoryRegistry
from support.gateway.site_under_test import LEDGER, OWNER, SiteUnderTest


def test_a_device_enrols_and_checks_in():
    site = SiteUnderTest()
    device = site.enrolled("one")
    record = site.registry.device(device.device_id)
    assert record is not None
    assert (record.status, record.counter, record.owner) == (Status.ENROLLED, 1, OWNER)

    sent = device.evidence(site.beacons.current)
    result = messages.open_message(site.one(device, sent, "evidence", "result"))
    assert site.signed_by_gateway(result)
    assert result.fields == {
        "gateway_id": site.key.gateway_id,
        "device_id": device.device_id,
        "subject": messages.digest(sent),
        "allow": True,
        "reason": reasons.ACCEPTED,
        "mode": messages.MODE_DEGRADED,
        "age_s": None,
        "policy_version": 1,
        "revocation_epoch": 0,
        "counter": 2,
    }
    record = site.registry.device(device.device_id)
    assert record is not None
    assert (record.status, record.counter) == (Status.ACTIVE, 2)
    assert site.tally.enrolled == site.tally.verified == site.tally.degraded_verified == 1


def test_freshness_stands_in_every_verdict():
    site = SiteUnderTest()
    device = site.enrolled("one")
    site.freshness.confirmed()
    seen = []
    for _ in range(3):
        sent = device.evidence(site.beacons.current)
        fields = messages.open_message(site.one(device, sent, "evidence", "result")).fields
        seen.append((fields["mode"], fields["age_s"]))
        site.clock.now_s += 20.5
    assert seen == [(0, 0), (0, 20), (1, 41)]


def slowed(site: SiteUnderTest, seconds: float) -> None:
    """Let the verification of each message take so long."""
    verify = site.verifier.verify

    def slowly(envelope, memory):
        site.clock.now_s += seconds
        return verify(envelope, memory)

    site.verifier.verify = slowly


def test_freshness_is_read_when_a_verdict_is_signed():
    """Within one group the site's knowledge ages, and turns degraded after 30 s."""
    site = SiteUnderTest()
    devices = [site.enrolled(f"device {number}") for number in range(3)]
    site.freshness.confirmed()
    pauses = iter((0.0, 0.4, 40.0))
    verify = site.verifier.verify

    def stalling(envelope, memory):
        site.clock.now_s += next(pauses)
        return verify(envelope, memory)

    site.verifier.verify = stalling
    replies = site.process(*[one.envelope(one.evidence(site.beacons.current)) for one in devices])
    found = [messages.open_message(reply.payload).fields for reply in replies]
    assert [(one["mode"], one["age_s"]) for one in found] == [(0, 0), (0, 0), (1, 40)]
    logged = [(line["mode"], line["age_s"]) for line in site.events("evidence_verified")]
    assert logged == [("online", 0), ("online", 0), ("degraded", 40)]
    assert site.tally.degraded_verified == 1


def test_a_group_ends_after_its_time_and_lets_people_act_in_between():
    site = SiteUnderTest()
    devices = [site.enrolled(f"device {number}") for number in range(6)]
    slowed(site, MAX_GROUP_S / 2)
    intake = Intake(10)
    for device in devices:
        intake.put(device.envelope(device.evidence(site.beacons.current)))
    intake.close()
    site.replies.clear()
    answered_before = []
    site.pipeline.run(intake, between=lambda: answered_before.append(len(site.replies)))
    assert answered_before == [0, 2, 4, 6]
    assert {site.reason(reply.payload) for reply in site.replies} == {"ACCEPTED"}
    assert site.tally.largest_group == 2


def test_the_commitment_binds_message_and_verdict():
    site = SiteUnderTest()
    device = site.enrolled("one")
    sent = device.evidence(site.beacons.current)
    result = site.one(device, sent, "evidence", "result")
    stored = site.registry.commitments(1, 1)
    assert stored == [messages.commitment(messages.digest(sent), messages.digest(result))]


def test_with_a_ledger_the_device_signs_what_it_will_record():
    site = SiteUnderTest(ledger=LEDGER)
    device = site.enrolled("one")
    registration = site.registry.signed_registration(device.device_id)
    assert registration is not None
    assert len(registration.signature) == 64


@pytest.mark.parametrize(
    ("ledger", "signature", "reason"),
    [
        (LEDGER, None, "BAD_FIELD"),
        (LEDGER, bytes(64), "BAD_SIGNATURE"),
        (None, bytes(64), "BAD_FIELD"),
    ],
)
def test_a_registration_that_does_not_fit_is_refused(ledger, signature, reason):
    site = SiteUnderTest(ledger=ledger)
    device = site.device("one")
    challenge = site.one(device, device.request(), "enrol", "challenge")
    proof = device.proof(challenge, registration_signature=signature)
    assert site.verdict(device, proof, "enrol") == reason
    assert site.registry.device(device.device_id) is None
    # The refused proof did not use up the challenge.
    assert site.verdict(device, device.proof(challenge), "enrol") == "ACCEPTED"


def test_nothing_is_answered_or_acknowledged_before_it_is_durable():
    order: list[str] = []

    class Watched(MemoryRegistry):
        def store(self, decisions: Sequence[Decision]) -> None:
            super().store(decisions)
            order.append("durable")

    site = SiteUnderTest(Watched())
    device = site.enrolled("one")
    order.clear()
    site.send = lambda reply: order.append("answered")  # type: ignore[method-assign]
    envelope = Envelope(
        device.device_id,
        "evidence",
        device.evidence(site.beacons.current),
        lambda: order.append("acknowledged"),
    )
    site.pipeline.process([envelope])
    assert order == ["durable", "answered", "acknowledged"]


def test_one_group_is_one_transaction():
    sizes: list[int] = []

    class Watched(MemoryRegistry):
        def store(self, decisions: Sequence[Decision]) -> None:
            sizes.append(len(decisions))
            super().store(decisions)

    site = SiteUnderTest(Watched())
    devices = [site.enrolled(str(number)) for number in range(5)]
    sizes.clear()
    sent = [device.envelope(device.evidence(site.beacons.current)) for device in devices * 3]
    replies = site.process(*sent)
    assert sizes == [15]
    assert [site.reason(reply.payload) for reply in replies] == ["ACCEPTED"] * 15


def test_within_a_group_the_second_message_sees_what_the_first_did():
    site = SiteUnderTest()
    device = site.enrolled("one")
    first = device.evidence(site.beacons.current, counter=10)
    older = device.evidence(site.beacons.current, counter=9)
    newer = device.evidence(site.beacons.current, counter=11)
    replies = site.process(*[device.envelope(one) for one in (first, first, older, newer)])
    verdicts = {
        messages.open_message(reply.payload).fields["subject"]: site.reason(reply.payload)
        for reply in replies
        if reply.kind == "result"
    }
    assert verdicts == {messages.digest(first): "ACCEPTED", messages.digest(newer): "ACCEPTED"}
    assert site.tally.refused == {"REPLAYED": 1, "OUT_OF_ORDER": 1}


def test_enrolment_and_first_evidence_may_share_a_group():
    site = SiteUnderTest()
    device = site.device("one")
    challenge = site.one(device, device.request(), "enrol", "challenge")
    proof = device.envelope(device.proof(challenge), "enrol")
    first = device.envelope(device.evidence(site.beacons.current))
    replies = site.process(proof, proof, first)
    assert sorted(site.reason(reply.payload) for reply in replies) == [
        "ACCEPTED",
        "ACCEPTED",
        "REPLAYED",
    ]


def test_a_fault_in_one_message_does_not_touch_the_others():
    site = SiteUnderTest()
    good, bad = site.enrolled("good"), site.enrolled("bad")
    verify = site.verifier.verify

    def faulty(envelope, memory):
        if envelope.device_id == bad.device_id:
            raise ZeroDivisionError("a secret that must not be logged")
        return verify(envelope, memory)

    site.verifier.verify = faulty  # type: ignore[method-assign]
    before = site.acknowledged
    replies = site.process(
        bad.envelope(bad.evidence(site.beacons.current)),
        good.envelope(good.evidence(site.beacons.current)),
    )
    reasons_by_device = {reply.device_id: site.reason(reply.payload) for reply in replies}
    assert reasons_by_device == {bad.device_id: "INTERNAL", good.device_id: "ACCEPTED"}
    assert site.acknowledged - before == 2
    (line,) = site.events("message_fault")
    assert line["error"] == "ZeroDivisionError"
    assert "secret" not in site.log.getvalue()


def test_when_a_group_cannot_be_stored_what_can_be_is():
    class Poisoned(MemoryRegistry):
        poison = b""

        def store(self, decisions: Sequence[Decision]) -> None:
            if any(decision.device_id == self.poison for decision in decisions):
                raise RegistryError("disk trouble")
            super().store(decisions)

    registry = Poisoned()
    site = SiteUnderTest(registry)
    good, bad = site.enrolled("good"), site.enrolled("bad")
    registry.poison = bad.device_id
    replies = site.process(
        good.envelope(good.evidence(site.beacons.current)),
        bad.envelope(bad.evidence(site.beacons.current)),
        good.envelope(good.evidence(site.beacons.current)),
    )
    assert [(reply.device_id, site.reason(reply.payload)) for reply in replies] == [
        (bad.device_id, "INTERNAL"),
        (good.device_id, "ACCEPTED"),
        (good.device_id, "ACCEPTED"),
    ]
    # A verdict that was not stored must not be sent.
    assert not [r for r in replies if r.device_id == bad.device_id and r.kind == "result"]


def test_a_denied_device_is_answered_and_recorded():
    site = SiteUnderTest()
    device = site.enrolled("one")
    site.registry.set_status(device.device_id, Status.SUSPENDED)
    before = site.registry.commitment_count()
    result = site.one(device, device.evidence(site.beacons.current), "evidence", "result")
    fields = messages.open_message(result).fields
    assert (fields["allow"], fields["reason"]) == (False, reasons.SUSPENDED)
    assert site.registry.commitment_count() == before + 1


def test_enrolling_again_changes_nothing_but_the_counter():
    site = SiteUnderTest()
    device = site.enrolled("one")
    site.verdict(device, device.evidence(site.beacons.current))
    before = site.registry.device(device.device_id)
    challenge = site.one(device, device.request(b"\x01" * 32), "enrol", "challenge")
    assert site.verdict(device, device.proof(challenge), "enrol") == "ACCEPTED"
    after = site.registry.device(device.device_id)
    assert before is not None
    assert after is not None
    assert (after.status, after.counter) == (Status.ACTIVE, 3)
    assert before.next_key_digest == after.next_key_digest


def test_a_known_device_cannot_change_the_next_key_it_committed_to():
    site = SiteUnderTest()
    device = site.enrolled("one")
    assert site.verdict(device, device.request(next_key_digest=b"\x07" * 32), "enrol") == (
        "WRONG_KEY"
    )


def test_a_revoked_device_cannot_enrol_again():
    site = SiteUnderTest()
    device = site.enrolled("one")
    site.registry.set_status(device.device_id, Status.REVOKED)
    assert site.verdict(device, device.request(), "enrol") == "REVOKED"


def test_an_emulated_device_is_refused_where_the_site_takes_none():
    site = SiteUnderTest(allow_emulated=False)
    device = site.device("one")
    assert site.verdict(device, device.request(), "enrol") == "EMULATED_REFUSED"
    assert site.registry.device(device.device_id) is None


def test_a_request_delivered_twice_gets_the_same_challenge():
    site = SiteUnderTest()
    device = site.device("one")
    first = site.one(device, device.request(), "enrol", "challenge")
    second = site.one(device, device.request(), "enrol", "challenge")
    challenges = {messages.open_message(one).fields["challenge"] for one in (first, second)}
    assert len(challenges) == 1
    assert site.verdict(device, device.proof(first), "enrol") == "ACCEPTED"


def test_errors_are_rationed_for_each_topic():
    site = SiteUnderTest()
    site.pipeline._refusals._budget = ErrorBudget(site.clock, each_per_s=1.0, each_burst=3.0)
    device = site.device("one")
    replies = site.process(*[device.envelope(b"\x00") for _ in range(20)])
    assert len(replies) == 3
    site.clock.now_s += 2.0
    assert len(site.process(*[device.envelope(b"\x00") for _ in range(20)])) == 2
    assert site.acknowledged == 40


def test_garbage_in_a_device_s_name_suppresses_no_honest_error():
    """Five garbage messages a second, and replays, in the name of a device that needs an Error."""
    site = SiteUnderTest()
    device = site.enrolled("one")
    spent = [device.evidence(site.beacons.current) for _ in range(100)]
    for payload in spent:
        site.process(device.envelope(payload))
    requests = [device.request(request_nonce=bytes([n]) * 32) for n in range(3)]
    stale = device.evidence(b"\x11" * 32)
    site.pipeline._refusals._budget = ErrorBudget(site.clock)
    heard = []
    for second in range(60):
        attack = [device.envelope(b"\x00garbage %d %d" % (second, n)) for n in range(5)]
        attack += [device.envelope(payload) for payload in spent[second : second + 5]]
        attack += [device.envelope(stale)] * 5  # refused before, and replayed
        attack += [device.envelope(payload, "enrol") for payload in requests]
        site.process(*attack)
        site.clock.now_s += 1.0
        if second % 5 == 4:
            honest = device.evidence(b"\x22" * 32)
            replies = site.process(device.envelope(honest))
            heard += [site.reason(reply.payload) for reply in replies]
    assert heard == ["STALE_BEACON"] * 12


def test_errors_to_many_strangers_leave_the_total_for_devices_alone():
    site = SiteUnderTest()
    device = site.enrolled("one")
    site.pipeline._refusals._budget = ErrorBudget(site.clock, all_per_s=10.0, all_burst=10.0)
    nobody = [
        Envelope(bytes([number]) * 32, "evidence", b"\x00", lambda: None) for number in range(200)
    ]
    assert len(site.process(*nobody)) == 10
    assert site.verdict(device, device.evidence(b"\x22" * 32)) == "STALE_BEACON"


def test_run_ends_when_the_intake_is_closed_and_empty():
    site = SiteUnderTest()
    device = site.enrolled("one")
    intake = Intake()
    for _ in range(10):
        assert intake.put(device.envelope(device.evidence(site.beacons.current)))
    intake.close()
    assert not intake.put(device.envelope(b""))
    site.replies.clear()
    site.pipeline.run(intake, max_group=4)
    assert [site.reason(reply.payload) for reply in site.replies] == ["ACCEPTED"] * 10
