"""No message is refused for a reason that its definition does not list (PROTOCOL.md, section 5)."""

from __future__ import annotations

import pytest

from countersign import messages, reasons
from countersign_gateway.governance.lifecycle import Lifecycle
from countersign_gateway.model import Envelope
from support.gateway import corpus
from support.gateway.site_under_test import SiteUnderTest


def possible(payload: bytes) -> set[int]:
    """The reasons with which the gateway may answer these bytes."""
    try:
        definition = messages.open_message(payload).definition
    except reasons.Refused:
        return set(reasons.OF_ANY)
    return {reasons.ACCEPTED, *reasons.OF_ANY, *definition.refusals}


def answered(site: SiteUnderTest, *envelopes: Envelope) -> set[str]:
    """The names of the reasons of all answers, each of which must be a possible one."""
    replies = [messages.open_message(reply.payload) for reply in site.process(*envelopes)]
    by_subject = {messages.digest(envelope.payload): envelope.payload for envelope in envelopes}
    seen = set()
    for reply in replies:
        if "reason" in reply.fields:
            reason = reply.fields["reason"]
            assert reason in possible(by_subject[reply.fields["subject"]]), reasons.NAMES[reason]
            seen.add(reasons.NAMES[reason])
    return seen


@pytest.mark.parametrize("case", corpus.CASES, ids=lambda case: f"{case.reason}: {case.name}")
def test_each_case_of_the_corpus_is_answered_for_a_listed_reason(case):
    site = SiteUnderTest()
    envelope = case.make(site, site.enrolled("one"))
    assert answered(site, envelope) == {case.reason}


def test_so_are_thousands_of_mutants():
    site = SiteUnderTest()
    device = site.enrolled("one")
    for data in corpus.mutants(seed=11, count=2000):
        answered(site, device.envelope(data), device.envelope(data, "enrol"))


@pytest.mark.parametrize(
    ("device_class", "change"), [(1, "suspend"), (2, "suspend"), (1, "revoke")]
)
def test_so_is_what_a_device_out_of_service_sends(device_class, change):
    site = SiteUnderTest(device_class=device_class)
    device = site.enrolled("one")
    challenge = site.one(device, device.request(), "enrol", "challenge")
    lifecycle = Lifecycle(site.registry.device, site.registry.set_status)
    getattr(lifecycle, change)(device.device_id)
    for envelope in (
        device.envelope(device.proof(challenge), "enrol"),
        device.envelope(device.evidence(site.beacons.current)),
        device.envelope(device.request(), "enrol"),
    ):
        assert answered(site, envelope) & {"SUSPENDED", "QUARANTINED", "REVOKED"}


def test_so_is_an_emulator_where_none_is_wanted():
    site = SiteUnderTest(allow_emulated=False)
    device = site.device("one")
    assert answered(site, device.envelope(device.request(), "enrol")) == {"EMULATED_REFUSED"}


def test_only_what_a_device_sends_has_reasons_of_its_own():
    for definition in messages.DEFINITIONS:
        assert bool(definition.refusals) == (definition.sender == messages.DEVICE)
        assert not set(definition.refusals) & set(reasons.OF_ANY)
        assert len(set(definition.refusals)) == len(definition.refusals)
    listed = {reasons.ACCEPTED, *reasons.OF_ANY}
    for definition in messages.DEFINITIONS:
        listed |= set(definition.refusals)
    assert listed == set(reasons.NAMES)
