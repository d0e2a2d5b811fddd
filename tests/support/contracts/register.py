"""The contracts of one chain, used as an owner and its gateway use them."""

import secrets
from dataclasses import dataclass

from web3 import Web3

from countersign import identity
from countersign.proofs import curve, schnorr
from countersign_contracts import load
from countersign_contracts.node import http_provider
from countersign_workshop.ledger import deployment


@dataclass(frozen=True)
class Device:
    """The keys that a device makes."""

    secret: bytes
    public_key: bytes
    device_id: bytes
    next_key_digest: bytes


def new_device():
    secret, next_secret = secrets.token_bytes(32), secrets.token_bytes(32)
    suite, public_key = identity.SUITE_SECP256K1, schnorr.public_key(secret)
    return Device(
        secret,
        public_key,
        identity.device_id(suite, public_key),
        identity.next_key_digest(suite, schnorr.public_key(next_secret)),
    )


class Register:
    """Deploys the contracts at first use. `owner` is registered and has appointed `gateway`."""

    def __init__(self, chain):
        self.chain = chain
        self.contracts = chain.deploy()
        web3 = Web3(http_provider(chain.rpc_url))
        self.log, self.devices, self.users = (
            web3.eth.contract(address=self.contracts[name], abi=load(name)["abi"])
            for name in ("CommitmentLog", "DeviceID", "UserID")
        )
        self.owner = self.funded()
        self.gateway = self.funded()
        url = chain.rpc_url
        assert deployment.register_owner(url, self.contracts, self.owner, secrets.token_bytes(32))
        deployment.appoint(url, self.contracts, self.owner, self.gateway.address)

    def funded(self):
        account = deployment.Account.generate()
        self.chain.fund(account.address)
        return account

    def registration_digest(self, device, device_class=1, owner=None, chain_id=None):
        """The digest that `device` signs to enter this register."""
        return identity.registration_digest(
            chain_id or self.chain.chain_id,
            deployment.address_bytes(self.contracts["DeviceID"]),
            device.device_id,
            (owner or self.owner).address,
            device_class,
            device.next_key_digest,
        )

    def sign(self, device, **statement):
        digest = self.registration_digest(device, **statement)
        return schnorr.sign(device.secret, digest, secrets.token_bytes(32))

    def add_device(self, device, signature, *, sender=None, owner=None, device_class=1):
        """Submit the device. Returns the receipt; DeploymentError names the contract's error."""
        point = curve.lift_x(signature[:32])
        registration = (
            int.from_bytes(device.public_key, "big"),
            bytes(32),
            device.next_key_digest,
            deployment.address_text((owner or self.owner).address),
            device_class,
        )
        proof = (point[0], point[1], int.from_bytes(signature[32:], "big"))
        arguments = [device.device_id, registration, proof]
        return self._transact(sender or self.gateway, self.devices, "addDevice", arguments)

    def append(self, sequence, previous_head, root, size, sender=None):
        arguments = [sequence, previous_head, root, size]
        return self._transact(sender or self.gateway, self.log, "append", arguments)

    def tip(self, account=None):
        address = deployment.address_text((account or self.gateway).address)
        return tuple(self.log.functions.tip(address).call())

    def _transact(self, sender, contract, function, arguments):
        data = bytes.fromhex(contract.encode_abi(function, arguments)[2:])
        return sender.transact(self.chain.rpc_url, data, contract.address)
