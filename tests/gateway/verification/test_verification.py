"""Beacons and parsed keys are bounded; challenges need no table and are for single use."""

from __future__ import annotations

import itertools
from dataclasses import replace

from countersign_gateway.model import RegistrationOffer
from countersign_gateway.verification.beacons import Beacons
from countersign_gateway.verification.challenges import Applicant, Challenges
from countersign_gateway.verification.public_keys import PublicKeys
from support.gateway.site_under_test import LEDGER, SiteUnderTest


def counting_bytes(size: int, counter: itertools.count[int]) -> bytes:
    return next(counter).to_bytes(size, "big")


def test_a_beacon_lives_for_two_intervals():
    counter = itertools.count(1)
    beacons = Beacons(10.0, 100.0, lambda size: counting_bytes(size, counter))
    first = beacons.current
    assert beacons.accepts(first)
    assert not beacons.rotate_if_due(109.9)
    assert beacons.rotate_if_due(110.0)
    second = beacons.current
    assert first != second
    assert beacons.accepts(first)
    assert beacons.accepts(second)
    assert beacons.rotate_if_due(120.0)
    assert not beacons.accepts(first)
    assert beacons.accepts(second)
    assert beacons.sequence == 3


def test_a_beacon_from_before_a_suspend_is_too_old_afterwards():
    beacons = Beacons(10.0, 100.0)
    first = beacons.current
    assert beacons.rotate_if_due(112.0)
    second = beacons.current
    assert beacons.accepts(first)
    assert beacons.rotate_if_due(3712.0)
    assert not beacons.accepts(first) and not beacons.accepts(second)
    assert beacons.accepts(beacons.current)


def test_no_beacon_is_accepted_that_was_not_published():
    beacons = Beacons(10.0, 0.0)
    assert not beacons.accepts(bytes(32))
    assert not beacons.accepts(b"")


def applicant(number: int) -> Applicant:
    identity = number.to_bytes(32, "big")
    return Applicant(identity, 1, identity, bytes(32), bytes(32), 1)


OFFER = RegistrationOffer(31337, b"c" * 20, b"o" * 20, 1)


def test_a_challenge_is_for_one_device_for_a_while():
    challenges = Challenges(60.0, 90.0)
    one = challenges.issue(applicant(1), None, 0, 100.0)
    assert len(one) == 32
    assert challenges.accepts(one, applicant(1), None, 0, 100.0)
    assert challenges.accepts(one, applicant(1), None, 0, 159.9)
    assert not challenges.accepts(one, applicant(1), None, 0, 160.0)
    assert not challenges.accepts(one, applicant(1), None, 0, 99.0), "from the future"
    assert not challenges.accepts(one, applicant(2), None, 0, 100.0)


def test_a_challenge_holds_for_nothing_else_than_it_was_made_for():
    challenges = Challenges(60.0, 0.0)
    first = applicant(1)
    one = challenges.issue(first, OFFER, 5, 10.0)
    assert challenges.accepts(one, first, OFFER, 5, 10.0)
    others: list[tuple[Applicant, RegistrationOffer | None, int]] = [(first, None, 5)]
    others += [(first, OFFER, counter) for counter in (0, 4, 6)]
    for name, value in {
        "suite": 2,
        "public_key": b"\x05" * 32,
        "post_quantum_digest": b"\x05" * 32,
        "next_key_digest": b"\x05" * 32,
        "environment": 2,
    }.items():
        others.append((replace(first, **{name: value}), OFFER, 5))
    for name, value in {
        "chain_id": 1,
        "contract": b"x" * 20,
        "owner": b"x" * 20,
        "device_class": 2,
    }.items():
        others.append((first, replace(OFFER, **{name: value}), 5))
    assert not any(challenges.accepts(one, *other, 10.0) for other in others)


def test_no_byte_of_a_challenge_can_be_changed_and_another_run_knows_none():
    challenges, other_run = Challenges(60.0, 0.0), Challenges(60.0, 0.0)
    one = challenges.issue(applicant(1), None, 0, 10.0)
    assert not other_run.accepts(one, applicant(1), None, 0, 10.0)
    for position in range(32):
        changed = bytearray(one)
        changed[position] ^= 1
        assert not challenges.accepts(bytes(changed), applicant(1), None, 0, 10.0)


def test_a_replayed_older_request_cancels_no_challenge():
    for attempt in range(5):
        site = SiteUnderTest()
        device = site.device("victim")
        older = device.request(request_nonce=bytes([attempt + 1]) * 32)
        site.one(device, older, "enrol", "challenge")
        challenge = site.one(device, device.request(), "enrol", "challenge")
        site.one(device, older, "enrol", "challenge")  # the broker delivers it once more
        assert site.verdict(device, device.proof(challenge), "enrol") == "ACCEPTED"


def test_requests_of_4096_strangers_cancel_no_challenge():
    site = SiteUnderTest()
    device = site.device("victim")
    challenge = site.one(device, device.request(), "enrol", "challenge")
    strangers = [site.device(str(number)) for number in range(4096)]
    site.process(*[one.envelope(one.request(), "enrol") for one in strangers])
    assert site.verdict(device, device.proof(challenge), "enrol") == "ACCEPTED"


def test_a_challenge_is_used_once_also_by_a_device_that_enrols_again():
    site = SiteUnderTest(ledger=LEDGER)
    device = site.enrolled("one")
    challenge = site.one(device, device.request(), "enrol", "challenge")
    assert site.verdict(device, device.proof(challenge), "enrol") == "ACCEPTED"
    assert site.verdict(device, device.proof(challenge), "enrol") == "UNKNOWN_CHALLENGE"
    assert site.registry.commitment_count() == 2


def test_two_proofs_of_one_challenge_in_one_group_enrol_once():
    site = SiteUnderTest()
    device = site.device("one")
    challenge = site.one(device, device.request(), "enrol", "challenge")
    proofs = [device.envelope(device.proof(challenge), "enrol") for _ in range(2)]
    replies = site.process(*proofs)
    reasons = sorted(site.reason(reply.payload) for reply in replies)
    assert reasons == ["ACCEPTED", "UNKNOWN_CHALLENGE"]


def test_parsed_keys_are_bounded_and_a_forgotten_one_still_verifies():
    site = SiteUnderTest()
    devices = [site.device(str(number)) for number in range(8)]
    keys = PublicKeys(max_keys=3)
    for device in devices * 2:
        digest = bytes(32)
        assert keys.verify(device.public_key, digest, device.sign(digest))
        assert not keys.verify(device.public_key, b"\x01" * 32, device.sign(digest))
    assert len(keys) == 3


def test_what_is_no_point_is_no_key():
    keys = PublicKeys()
    for off_curve in (bytes(32), b"\xff" * 32, (5).to_bytes(32, "big")):
        assert not keys.is_key(off_curve)
        assert not keys.verify(off_curve, bytes(32), bytes(64))
    assert len(keys) == 0
