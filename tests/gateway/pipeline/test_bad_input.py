"""Each wrong message gets its frozen reason, signed. It is not stored, and work goes on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from countersign import messages, reasons
from support.gateway import corpus
from support.gateway.site_under_test import SiteUnderTest


@pytest.mark.parametrize("case", corpus.CASES, ids=lambda case: f"{case.reason}: {case.name}")
def test_each_message_gets_exactly_its_reason(case):
    site = SiteUnderTest()
    device = site.enrolled("one")
    envelope = case.make(site, device)
    before = site.registry.commitment_count()

    replies = site.process(envelope)

    assert len(replies) == 1
    message = messages.open_message(replies[0].payload)
    assert site.reason(replies[0].payload) == case.reason
    assert message.fields["subject"] == messages.digest(envelope.payload)
    assert message.fields["device_id"] == envelope.device_id
    accepted = case.reason == "ACCEPTED"
    assert message.type == (messages.ATTESTATION_RESULT if accepted else messages.ERROR)
    assert site.registry.commitment_count() == before + accepted
    # The pipeline still serves the next honest message.
    assert site.verdict(device, device.evidence(site.beacons.current)) == "ACCEPTED"


def test_the_corpus_shows_every_reason_that_verification_has():
    shown = {case.reason for case in corpus.CASES}
    of_verification = {name for code, name in reasons.NAMES.items() if code < 40}
    # One is found after verification, and ends in quarantine: test_guarding.py.
    assert of_verification - shown == {"COUNTER_TOO_HIGH"}


def test_a_mixed_group_of_all_of_them_is_answered_one_by_one():
    site = SiteUnderTest()
    device = site.enrolled("one")
    # Cases that send no messages of their own while they are made can share one site.
    apart = ("STALE_BEACON", "REPLAYED", "UNKNOWN_CHALLENGE")
    cases = [case for case in corpus.CASES if case.reason not in apart]
    cases = [case for case in cases if case.make not in (corpus.previous, corpus.from_gateway)]
    envelopes = [case.make(site, device) for case in cases]
    replies = site.process(*envelopes)
    by_subject = {
        messages.open_message(reply.payload).fields["subject"]: site.reason(reply.payload)
        for reply in replies
    }
    answered = [by_subject[messages.digest(envelope.payload)] for envelope in envelopes]
    assert answered == [case.reason for case in cases]


def test_detail_stays_in_the_log():
    site = SiteUnderTest()
    device = site.enrolled("one")
    site.verdict(device, device.evidence(site.beacons.current, audience=b"\x01" * 32))
    (line,) = site.events("refused")
    assert (line["reason"], line["detail"]) == ("WRONG_AUDIENCE", "made for another gateway")
    (reply,) = site.replies
    assert b"another gateway" not in reply.payload


def test_a_message_without_a_sender_is_counted_and_not_answered():
    site = SiteUnderTest()
    device = site.enrolled("one")
    envelope = device.envelope(device.evidence(site.beacons.current))
    assert site.process(replace(envelope, device_id=None, kind="")) == []
    assert site.tally.refused == {"WRONG_TOPIC": 1}


def test_thousands_of_mutants_pass_through_without_a_fault():
    site = SiteUnderTest()
    device = site.enrolled("one")
    for data in corpus.mutants(seed=7, count=3000):
        site.process(device.envelope(data), device.envelope(data, "enrol"))
    assert site.events("message_fault") == []
    assert "INTERNAL" not in site.tally.refused
    assert site.verdict(device, device.evidence(site.beacons.current)) == "ACCEPTED"
