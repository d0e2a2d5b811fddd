"""The outbox registers devices on the ledger with their own proof, as it appends batches."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from eth_account import Account

from countersign_gateway.registry.interface import OutboxState
from support.gateway.anchoring_site import Device, Site
from support.gateway.local_chain import LocalChain

pytestmark = pytest.mark.chain


@pytest.fixture
def owner(site: Site, chain: LocalChain) -> Iterator[Any]:
    yield chain.owner_appointing(site.key.address)


def owned(account: Any) -> Device:
    return Device(bytes.fromhex(account.address[2:]))


def enrol(site: Site, device: Device) -> None:
    signature = device.registration_signature(site.chain.device_registry)
    site.registry.store([device.enrols(signature)])


def test_a_device_is_registered_with_its_own_proof(site: Site, owner: Any) -> None:
    device = owned(owner)
    enrol(site, device)
    site.settle()
    assert site.registration(device).state is OutboxState.FINALIZED
    assert site.ledger.device_owner(device.device_id) == device.record.owner
    assert site.registry.counts().registered == 1
    site.check_history()


def test_many_devices_and_batches_share_the_nonces(site: Site, owner: Any) -> None:
    devices = [owned(owner) for _ in range(25)]
    for device in devices:
        enrol(site, device)
    site.settle()
    assert site.registry.counts().registered == 25
    assert site.registry.counts().anchored == 25
    site.check_history()


def test_registered_before_by_the_same_owner_is_done(site: Site, owner: Any) -> None:
    device = owned(owner)
    enrol(site, device)
    site.settle()
    other = Site(site.chain)
    site.chain.fund(other.key.address)
    site.chain.appoint(owner, other.key.address, True)
    enrol(other, device)
    other.settle()
    row = other.registration(device)
    assert (row.state, row.nonce) == (OutboxState.FINALIZED, None)
    assert row.transaction_hash == site.registration(device).transaction_hash


def test_registered_before_by_another_owner_fails_loudly(site: Site, owner: Any) -> None:
    device = owned(owner)
    enrol(site, device)
    site.settle()
    other = Site(site.chain)
    site.chain.fund(other.key.address)
    rival = site.chain.owner_appointing(other.key.address)
    device.record = replace(device.record, owner=bytes.fromhex(rival.address[2:]))
    enrol(other, device)
    other.settle()
    row = other.registration(device)
    assert row.state is OutboxState.FAILED
    assert owner.address[2:].lower() in row.detail
    assert other.events("ledger_failed")
    assert other.registry.counts().anchored == 1, "the batch went on without it"


def test_a_proof_that_does_not_hold_fails_loudly_and_costs_nothing(site: Site, owner: Any) -> None:
    device, sound = owned(owner), owned(owner)
    site.registry.store([device.enrols(owned(owner).registration_signature(b"\1" * 20))])
    enrol(site, sound)
    site.settle()
    row = site.registration(device)
    assert (row.state, row.nonce) == (OutboxState.FAILED, None)
    assert "InvalidProof" in row.detail
    assert site.registration(sound).state is OutboxState.FINALIZED
    assert site.registry.counts().outbox_failed == 1


def test_until_the_owner_appoints_us_it_waits(site: Site, chain: LocalChain) -> None:
    owner = chain.funded_account()
    device = owned(owner)
    enrol(site, device)
    for _ in range(8):
        site.tick()
        chain.finalize()
    row = site.registration(device)
    assert (row.state, row.detail) == (OutboxState.PENDING, "UnknownOwner")
    assert site.registry.counts().anchored == 1, "batches do not wait for it"
    chain.register_owner(owner)
    site.tick(31.0)
    assert site.registration(device).detail == "NotRegistrar"
    chain.appoint(owner, site.key.address, True)
    site.tick(31.0)
    site.settle()
    assert site.registration(device).state is OutboxState.FINALIZED


def test_many_that_wait_do_not_keep_others_back(site: Site, owner: Any) -> None:
    stranger = Account.from_key(secrets.token_bytes(32))
    waiting = [owned(stranger) for _ in range(100)]
    for device in waiting:
        enrol(site, device)
    last = owned(owner)
    enrol(site, last)
    for _ in range(20):
        site.tick()
        site.chain.finalize()
    assert site.registration(last).state is OutboxState.FINALIZED
    assert site.registry.counts().anchored == 101
    assert site.registry.counts().outbox_open == 100


def test_a_registration_that_reverts_on_the_chain(
    site: Site, chain: LocalChain, owner: Any
) -> None:
    """The call would succeed when asked, reverts when mined, and succeeds later."""
    chain.automine(False)
    device = owned(owner)
    enrol(site, device)
    site.tick()
    assert site.registration(device).state is OutboxState.SENT
    chain.appoint(owner, site.key.address, False, maxFeePerGas=10**12, maxPriorityFeePerGas=10**11)
    chain.mine()
    chain.automine(True)
    for _ in range(4):
        site.tick()
        chain.finalize()
    row = site.registration(device)
    assert (row.state, row.tries, row.detail) == (OutboxState.PENDING, 1, "NotRegistrar")
    assert "reverted" in site.events("ledger_retry")[0]["cause"]
    chain.appoint(owner, site.key.address, True)
    site.tick(31.0)
    site.settle()
    assert (site.registration(device).state, site.registration(device).tries) == (
        OutboxState.FINALIZED,
        2,
    )
    site.check_history()
