"""A device in Python: it sends what a correct device sends, and signs with libsecp256k1.

A test that wants something wrong passes other fields, or changes the finished messages.
"""

from __future__ import annotations

import hashlib
import itertools
import secrets

from coincurve import PrivateKey, PublicKeyXOnly

from countersign import accounts, identity, messages
from countersign.identity import ENVIRONMENT_EMULATED
from countersign_gateway.model import DeviceRecord, Envelope, RegistrationOffer, Status


class SimulatedDevice:
    """Holds one key. Counters go up by one from 1, over all messages that carry one.

    secret: 32 bytes, a scalar in [1, N). next_key_digest: by default the digest of a key that
    nobody has, so that the device cannot rotate.
    """

    def __init__(
        self,
        secret: bytes,
        gateway_id: bytes,
        environment: int = ENVIRONMENT_EMULATED,
        next_key_digest: bytes | None = None,
    ) -> None:
        self._key = PrivateKey(secret)
        self.public_key: bytes = PublicKeyXOnly.from_secret(secret).format()
        self.device_id: bytes = identity.device_id(identity.SUITE_SECP256K1, self.public_key)
        self.next_key_digest = next_key_digest or secrets.token_bytes(32)
        self.gateway_id = gateway_id
        self.environment = environment
        self._counters = itertools.count(1)

    @classmethod
    def named(
        cls, name: str, gateway_id: bytes, environment: int = ENVIRONMENT_EMULATED
    ) -> SimulatedDevice:
        """A device with keys derived from `name`, so that a failing test can be repeated."""
        next_secret = hashlib.sha256(b"next key " + name.encode()).digest()
        return cls(
            hashlib.sha256(b"device key " + name.encode()).digest(),
            gateway_id,
            environment,
            identity.next_key_digest(
                identity.SUITE_SECP256K1, PublicKeyXOnly.from_secret(next_secret).format()
            ),
        )

    def next_counter(self) -> int:
        return next(self._counters)

    def sign(self, digest: bytes) -> bytes:
        """A 64-byte BIP-340 signature over exactly 32 bytes."""
        return bytes(self._key.sign_schnorr(digest))

    def broker_account(self, site_account_key: bytes, site: str) -> tuple[str, str]:
        """The name and password of the device's own account at its site's broker."""
        shared = accounts.shared_secret(self._key.secret, site_account_key)
        return accounts.username(self.device_id), accounts.device_password(shared, site)

    def request(self, request_nonce: bytes = bytes(32), **changes: object) -> bytes:
        """An EnrolRequest."""
        fields = self._presented() | {"request_nonce": request_nonce}
        return self._seal(messages.ENROL_REQUEST, fields | changes)

    def proof(self, challenge_message: bytes, **changes: object) -> bytes:
        """The EnrolProof that answers a challenge of the gateway."""
        challenge = messages.open_message(challenge_message).fields
        signature = None
        if challenge["registration"] is not None:
            offer = RegistrationOffer(**challenge["registration"])
            signature = self.registration_signature(offer)
        fields: dict[str, object] = {
            "registration": challenge["registration"],
            "registration_signature": signature,
        }
        changes = {"challenge": challenge["challenge"], **fields, **changes}
        return self.proof_of(**changes)

    def proof_of(self, challenge: object, **changes: object) -> bytes:
        """An EnrolProof for the 32 bytes of a challenge that offers no registration."""
        fields = self._presented() | {
            "challenge": challenge,
            "counter": self.next_counter(),
            "registration": None,
            "registration_signature": None,
        }
        return self._seal(messages.ENROL_PROOF, fields | changes)

    def registration_signature(self, offer: RegistrationOffer) -> bytes:
        """The signature that enters the device into the ledger's register of devices."""
        return self.sign(
            identity.registration_digest(
                offer.chain_id,
                offer.contract,
                self.device_id,
                offer.owner,
                offer.device_class,
                self.next_key_digest,
            )
        )

    def evidence(self, beacon: bytes, **changes: object) -> bytes:
        """Evidence over the gateway's current beacon."""
        fields: dict[str, object] = {
            "audience": self.gateway_id,
            "beacon": beacon,
            "device_id": self.device_id,
            "uptime_s": 1234,
            "boot_count": 3,
            "software_version": "0.1.0",
            "counter": self.next_counter() if "counter" not in changes else 1,
            "readings": {"temperature_mk": 294150, "door": 0},
            "environment": self.environment,
        }
        return self._seal(messages.EVIDENCE, fields | changes)

    def envelope(self, payload: bytes, kind: str = "evidence") -> Envelope:
        """The payload as a gateway's ingress hands it on."""
        return Envelope(self.device_id, kind, payload, lambda: None)

    def record(self, owner: bytes, counter: int) -> DeviceRecord:
        """What a registry holds of the device once it has enrolled with that counter."""
        return DeviceRecord(
            device_id=self.device_id,
            suite=identity.SUITE_SECP256K1,
            public_key=self.public_key,
            post_quantum_digest=identity.ZERO_DIGEST,
            next_key_digest=self.next_key_digest,
            owner=owner,
            device_class=identity.CLASS_STANDARD,
            environment=self.environment,
            status=Status.ENROLLED,
            counter=counter,
        )

    def _presented(self) -> dict[str, object]:
        """The fields that EnrolRequest and EnrolProof share."""
        return {
            "device_id": self.device_id,
            "suite": identity.SUITE_SECP256K1,
            "public_key": self.public_key,
            "post_quantum_digest": identity.ZERO_DIGEST,
            "next_key_digest": self.next_key_digest,
            "audience": self.gateway_id,
            "environment": self.environment,
        }

    def _seal(self, message_type: int, fields: dict[str, object]) -> bytes:
        sealed: bytes = messages.seal(message_type, fields, self.sign)
        return sealed
