"""A device in Python: the protocol's other side, on libsecp256k1, for the gateway's tests.

It makes what a correct device would send. Tests that want something wrong take its messages apart.
"""

from __future__ import annotations

import hashlib
import itertools

from coincurve import PrivateKey, PublicKeyXOnly

from countersign import identity, messages
from countersign.identity import ENVIRONMENT_EMULATED
from countersign_gateway.model import Envelope, RegistrationOffer


class SimulatedDevice:
    """Keys are derived from `name`, so that a failing test can be run again unchanged."""

    def __init__(self, name: str, gateway_id: bytes, environment: int = ENVIRONMENT_EMULATED):
        self._key = PrivateKey(hashlib.sha256(b"device key " + name.encode()).digest())
        self.public_key = PublicKeyXOnly.from_secret(self._key.secret).format()
        next_key = PrivateKey(hashlib.sha256(b"next key " + name.encode()).digest())
        self.next_key_digest = identity.next_key_digest(
            1, PublicKeyXOnly.from_secret(next_key.secret).format()
        )
        self.device_id = identity.device_id(1, self.public_key)
        self.gateway_id = gateway_id
        self.environment = environment
        self._counters = itertools.count(1)

    def next_counter(self) -> int:
        return next(self._counters)

    def sign(self, digest: bytes) -> bytes:
        return self._key.sign_schnorr(digest)

    def request(self, request_nonce: bytes = bytes(32), **changes: object) -> bytes:
        fields: dict[str, object] = {
            "device_id": self.device_id,
            "suite": 1,
            "public_key": self.public_key,
            "post_quantum_digest": bytes(32),
            "next_key_digest": self.next_key_digest,
            "audience": self.gateway_id,
            "request_nonce": request_nonce,
            "environment": self.environment,
        }
        return messages.seal(messages.ENROL_REQUEST, fields | changes, self.sign)

    def proof(self, challenge_message: bytes, **changes: object) -> bytes:
        """The answer to a challenge of the gateway."""
        challenge = messages.open_message(challenge_message).fields
        registration_signature = None
        if challenge["registration"] is not None:
            offered = RegistrationOffer(**challenge["registration"])
            registration_signature = self.sign(
                identity.registration_digest(
                    offered.chain_id,
                    offered.contract,
                    self.device_id,
                    offered.owner,
                    offered.device_class,
                    self.next_key_digest,
                )
            )
        fields: dict[str, object] = {
            "device_id": self.device_id,
            "audience": self.gateway_id,
            "challenge": challenge["challenge"],
            "counter": self.next_counter(),
            "registration_signature": registration_signature,
        }
        return messages.seal(messages.ENROL_PROOF, fields | changes, self.sign)

    def evidence(self, beacon: bytes, **changes: object) -> bytes:
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
        return messages.seal(messages.EVIDENCE, fields | changes, self.sign)

    def envelope(self, payload: bytes, kind: str = "evidence") -> Envelope:
        return Envelope(self.device_id, kind, payload, lambda: None)
