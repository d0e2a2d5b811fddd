"""Beacons, challenges and parsed keys are bounded; challenges are for single use."""

from __future__ import annotations

import itertools

from countersign_gateway.verification.beacons import Beacons
from countersign_gateway.verification.challenges import Applicant, Challenges
from countersign_gateway.verification.public_keys import PublicKeys
from support.gateway.site_under_test import SiteUnderTest


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


def test_no_beacon_is_accepted_that_was_not_published():
    beacons = Beacons(10.0, 0.0)
    assert not beacons.accepts(bytes(32))
    assert not beacons.accepts(b"")


def applicant(number: int) -> Applicant:
    identity = number.to_bytes(32, "big")
    return Applicant(identity, 1, identity, bytes(32), bytes(32), 1)


def test_a_challenge_is_for_one_device_for_a_while():
    challenges = Challenges(60.0)
    opened = challenges.open(applicant(1), b"n" * 32, None, 100.0)
    assert challenges.find(applicant(1).device_id, opened.challenge, 159.9) is opened
    assert challenges.find(applicant(2).device_id, opened.challenge, 100.0) is None
    assert challenges.find(applicant(1).device_id, bytes(32), 100.0) is None
    assert challenges.find(applicant(1).device_id, opened.challenge, 160.0) is None
    assert len(challenges) == 0


def test_a_challenge_is_used_once():
    challenges = Challenges(60.0)
    opened = challenges.open(applicant(1), b"n" * 32, None, 0.0)
    challenges.close(applicant(1).device_id)
    assert challenges.find(applicant(1).device_id, opened.challenge, 0.0) is None
    challenges.close(applicant(1).device_id)


def test_a_new_request_replaces_the_challenge_and_the_same_one_repeats_it():
    challenges = Challenges(60.0)
    first = challenges.open(applicant(1), b"n" * 32, None, 0.0)
    assert challenges.open(applicant(1), b"n" * 32, None, 1.0) is first
    second = challenges.open(applicant(1), b"m" * 32, None, 2.0)
    assert second.challenge != first.challenge
    assert challenges.find(applicant(1).device_id, first.challenge, 2.0) is None
    assert len(challenges) == 1


def test_the_table_is_bounded_and_the_oldest_gives_way():
    challenges = Challenges(60.0, max_open=10)
    opened = [challenges.open(applicant(n), b"n" * 32, None, 0.0) for n in range(25)]
    assert len(challenges) == 10
    assert challenges.evicted == 15
    assert challenges.find(opened[14].applicant.device_id, opened[14].challenge, 0.0) is None
    assert challenges.find(opened[15].applicant.device_id, opened[15].challenge, 0.0) is opened[15]


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
