"""Devices enter the ledger by a proof that our own Python makes and Solidity verifies."""

import secrets
from dataclasses import replace

import pytest
from coincurve import PrivateKey

from countersign import identity
from countersign_workshop.ledger import deployment
from support.contracts.register import new_device

pytestmark = pytest.mark.chain


def test_a_device_enters_with_a_proof_from_python(register):
    device = new_device()
    receipt = register.add_device(device, register.sign(device))

    (event,) = register.devices.events.DeviceAdded().process_receipt(receipt)
    assert event["args"]["deviceId"] == device.device_id
    owner = deployment.address_text(register.owner.address)
    assert event["args"]["owner"] == owner
    assert event["args"]["registrar"] == deployment.address_text(register.gateway.address)
    record = register.devices.functions.device(device.device_id).call()
    assert record == (
        owner,
        identity.SUITE_SECP256K1,
        1,
        receipt["blockNumber"],
        int.from_bytes(device.public_key, "big"),
        device.next_key_digest,
    )
    assert register.devices.functions.ownerOf(device.device_id).call() == owner


def test_a_signature_by_libsecp256k1_is_as_good(register):
    device = new_device()
    digest = register.registration_digest(device)
    signature = PrivateKey(device.secret).sign_schnorr(digest, secrets.token_bytes(32))
    register.add_device(device, signature)


def test_identifiers_and_statements_are_the_same_in_python_and_solidity(register):
    device = new_device()
    public_key = int.from_bytes(device.public_key, "big")
    assert register.devices.functions.deviceIdOf(public_key).call() == device.device_id
    for device_class in (0, 1, 2, 255):
        statement = (
            device.device_id,
            deployment.address_text(register.owner.address),
            device_class,
            device.next_key_digest,
        )
        expected = register.registration_digest(device, device_class=device_class)
        assert register.devices.functions.registrationDigest(*statement).call() == expected


def test_an_owner_is_traced_to_all_of_its_devices(register):
    owner = register.funded()
    users, address = register.users, deployment.address_text(owner.address)
    deployment.register_owner(
        register.chain.rpc_url, register.contracts, owner, secrets.token_bytes(32)
    )
    devices = [new_device() for _ in range(3)]
    for device in devices:
        register.add_device(device, register.sign(device, owner=owner), sender=owner, owner=owner)
    count = users.functions.deviceCount(address).call()
    listed = [users.functions.deviceAt(address, index).call() for index in range(count)]
    assert listed == [device.device_id for device in devices]


def test_a_second_registration_reverts(register):
    device = new_device()
    signature = register.sign(device)
    register.add_device(device, signature)
    with pytest.raises(deployment.DeploymentError, match="DeviceExists"):
        register.add_device(device, signature)


def test_a_proof_for_another_chain_reverts(register):
    device = new_device()
    with pytest.raises(deployment.DeploymentError, match="InvalidProof"):
        register.add_device(device, register.sign(device, chain_id=1))


def test_a_proof_for_another_class_reverts(register):
    device = new_device()
    signature = register.sign(device, device_class=identity.CLASS_LIFE_CRITICAL)
    with pytest.raises(deployment.DeploymentError, match="InvalidProof"):
        register.add_device(device, signature, device_class=identity.CLASS_STANDARD)


def test_a_device_whose_next_key_is_its_present_one_reverts(register):
    device = new_device()
    present = identity.next_key_digest(identity.SUITE_SECP256K1, device.public_key)
    device = replace(device, next_key_digest=present)
    with pytest.raises(deployment.DeploymentError, match="NextKeyIsPresentKey"):
        register.add_device(device, register.sign(device))


def test_another_devices_proof_reverts(register):
    device, other = new_device(), new_device()
    with pytest.raises(deployment.DeploymentError, match="InvalidProof"):
        register.add_device(device, register.sign(other))


def test_a_stranger_cannot_enter_a_device(register):
    device = new_device()
    with pytest.raises(deployment.DeploymentError, match="NotRegistrar"):
        register.add_device(device, register.sign(device), sender=register.funded())


def test_an_account_that_is_no_owner_cannot_be_named(register):
    device, stranger = new_device(), register.funded()
    signature = register.sign(device, owner=stranger)
    with pytest.raises(deployment.DeploymentError, match="UnknownOwner"):
        register.add_device(device, signature, sender=stranger, owner=stranger)


def test_the_two_registers_know_each_other_and_nobody_else(register):
    assert register.users.functions.deviceRegistry().call() == register.devices.address
    assert register.devices.functions.userID().call() == register.users.address
