"""A site in memory: clock, storage, broker, and a gateway made from the protocol library.

The gateway follows PROTOCOL.md with the same message definitions as the real one. A test causes
faults by setting attributes, or by changing `broker` directly.
"""

import hashlib

from countersign import identity, messages, reasons
from countersign.carriers import kinds
from countersign.proofs import schnorr
from countersign_agent.transports.transport import NotOurs, TransportError
from support.agent.noise import Noise
from support.protocol import statements

SITE = "ward-3"
GATEWAY_SECRET = hashlib.sha256(b"a gateway for tests").digest()
GATEWAY_KEY = schnorr.public_key(GATEWAY_SECRET)
OTHER_SECRET = hashlib.sha256(b"somebody else").digest()
OWNER = b"\x0e" * 20


class Clock:
    """Time that passes only in waits."""

    def __init__(self):
        self.ms = 0

    def now_ms(self):
        return self.ms

    def sleep_ms(self, duration_ms):
        self.ms += duration_ms


class Storage:
    """Storage (storage.py) in memory. It survives a device's reboot. Tests may change `files`."""

    def __init__(self):
        self.files = {}

    def read(self, name):
        return self.files.get(name)

    def write(self, name, data):
        self.files[name] = data


class Broker:
    """Delivers to one device. `queue`: the messages that wait for it. `sent`: those it sent.

    beacon: the retained beacon of the site. presence: the device's announcements that it came
    (True) or went (False).
    """

    def __init__(self, clock):
        self.clock = clock
        self.is_up = True
        self.queue = []
        self.sent = []
        self.presence = []
        self.beacon = None
        self.on_send = None
        self._listens = False

    def deliver(self, kind, payload):
        """Queue a message. kind: a Kind, or text for a topic that the device does not take."""
        self.queue.append((kind, payload))

    def retain_beacon(self, payload):
        self.beacon = payload
        if self._listens:
            self.deliver(kinds.BEACON, payload)

    def listen(self):
        self._listens = True
        if self.beacon is not None:
            self.deliver(kinds.BEACON, self.beacon)


class Transport:
    """The transport's contract (transport.py) over a Broker."""

    def __init__(self, broker):
        self._broker = broker
        self._connected = False
        self.connects = 0

    def connect(self):
        if not self._broker.is_up:
            raise TransportError("cannot connect: refused")
        self.connects += 1
        self._connected = True
        self._broker.listen()
        self._broker.presence.append(True)

    def admitted(self):
        self._check()

    def send(self, kind, payload):
        self._check()
        self._broker.sent.append((kind, payload))
        if self._broker.on_send is not None:
            self._broker.on_send(kind, payload)

    def receive(self, timeout_ms):
        self._check()
        if self._broker.queue:
            kind, payload = self._broker.queue.pop(0)
            if not isinstance(kind, kinds.Kind):
                raise NotOurs(kind)
            return kind, payload if len(payload) <= messages.MAX_MESSAGE_BYTES else None
        self._broker.clock.sleep_ms(timeout_ms)
        return None

    def ask_beacon(self):
        self._check()
        self._broker.listen()

    def leave(self):
        self._check()
        self._broker.presence.append(False)

    def close(self):
        self._connected = False

    def _check(self):
        if not self._broker.is_up:
            self._connected = False
        if not self._connected:
            raise TransportError("session lost")


class Gateway:
    """Answers a device's messages. Tests set these attributes:

    secret            the key that it signs with
    is_silent         takes messages and answers nothing
    refuse_with       reason of an Error for every message
    deny_with         reason of a denial for every message that verifies
    registration      the registration in its challenges
    """

    def __init__(self, broker):
        self.broker = broker
        self.secret = GATEWAY_SECRET
        self.gateway_id = identity.gateway_id(GATEWAY_KEY)
        self.is_silent = False
        self.refuse_with = None
        self.deny_with = None
        self.registration = None
        self.devices = {}  # device_id: public key
        self.counters = []
        self.received = []  # (kind, message) in the order of arrival
        self.decided = []  # (device_id, message bytes, result bytes)
        self._noise = Noise(b"gateway")
        self._challenge = None
        self._sequence = 0
        self.beacon = None
        self.publish_beacon()
        broker.on_send = self.on_send

    def sign(self, digest):
        return schnorr.sign(self.secret, digest, self._noise.take())

    def publish_beacon(self):
        self._sequence += 1
        self.beacon = self._noise.take()
        data = self.make_beacon(self.beacon, self._sequence)
        self.broker.retain_beacon(data)
        return data

    def make_beacon(self, beacon, sequence):
        fields = statements.beacon(self.gateway_id, beacon, sequence)
        return messages.seal(messages.BEACON, fields, self.sign)

    def on_send(self, kind, payload):
        message = messages.open_message(payload)
        assert message.definition.kind is kind
        device_id = message.fields["device_id"]
        self.received.append((message.name, message, payload))
        if self.is_silent:
            return
        if self.refuse_with is not None:
            self.send(kinds.ERROR, self.make_error(device_id, payload, self.refuse_with))
        elif message.type == messages.ENROL_REQUEST:
            self._on_request(device_id, message)
        else:
            self._on_proof_or_evidence(device_id, message, payload)

    def send(self, kind, payload):
        self.broker.deliver(kind, payload)

    def make_error(self, device_id, payload, reason):
        return messages.seal(
            messages.ERROR,
            {
                "gateway_id": self.gateway_id,
                "device_id": device_id,
                "subject": messages.digest(payload),
                "reason": reason,
            },
            self.sign,
        )

    def make_result(self, device_id, payload, counter, reason=reasons.ACCEPTED, **changes):
        subject = messages.digest(payload)
        fields = statements.result(self.gateway_id, device_id, subject, counter, reason=reason)
        fields.update(changes)
        return messages.seal(messages.ATTESTATION_RESULT, fields, self.sign)

    def make_receipt(self, index, **changes):
        """A Receipt for the decision `index`, in one batch of all decisions so far."""
        leaves = [
            messages.commitment(messages.digest(message), messages.digest(result))
            for _, message, result in self.decided
        ]
        device_id, message, result = self.decided[index]
        subject, result_digest = messages.digest(message), messages.digest(result)
        fields = statements.receipt(
            self.gateway_id, device_id, subject, result_digest, leaves, index
        )
        fields.update(changes)
        return messages.seal(messages.RECEIPT, fields, self.sign)

    def send_receipts(self):
        for index in range(len(self.decided)):
            self.send(kinds.RECEIPT, self.make_receipt(index))

    def names(self):
        return [entry[0] for entry in self.received]

    def _on_request(self, device_id, message):
        fields = message.fields
        assert fields["device_id"] == device_id
        assert fields["audience"] == self.gateway_id
        assert identity.device_id(fields["suite"], fields["public_key"]) == device_id
        self._verify(fields["public_key"], message)
        self.devices[device_id] = (fields["public_key"], fields["next_key_digest"])
        self._challenge = self._noise.take()
        challenge = messages.seal(
            messages.ENROL_CHALLENGE,
            {
                "gateway_id": self.gateway_id,
                "device_id": device_id,
                "request_nonce": fields["request_nonce"],
                "challenge": self._challenge,
                "registration": self.registration,
            },
            self.sign,
        )
        self.send(kinds.CHALLENGE, challenge)

    def _on_proof_or_evidence(self, device_id, message, payload):
        fields = message.fields
        public_key, next_key_digest = self.devices[device_id]
        self._verify(public_key, message)
        if message.type == messages.ENROL_PROOF:
            assert fields["challenge"] == self._challenge
            assert fields["registration"] == self.registration
            assert (fields["public_key"], fields["next_key_digest"]) == self.devices[device_id]
            self._check_registration(device_id, public_key, next_key_digest, fields)
        elif fields["beacon"] != self.beacon:
            error = self.make_error(device_id, payload, reasons.STALE_BEACON)
            self.send(kinds.ERROR, error)
            return
        assert not self.counters or fields["counter"] > self.counters[-1], "a counter went back"
        self.counters.append(fields["counter"])
        reason = reasons.ACCEPTED if self.deny_with is None else self.deny_with
        result = self.make_result(device_id, payload, fields["counter"], reason)
        self.decided.append((device_id, payload, result))
        self.send(kinds.RESULT, result)

    def _check_registration(self, device_id, public_key, next_key_digest, fields):
        signature = fields["registration_signature"]
        wanted = self.registration
        assert (signature is None) == (wanted is None)
        if wanted is not None:
            digest = identity.registration_digest(
                wanted["chain_id"],
                wanted["contract"],
                device_id,
                wanted["owner"],
                wanted["device_class"],
                next_key_digest,
            )
            assert schnorr.verify(public_key, digest, signature), "registration signature"

    def _verify(self, public_key, message):
        assert schnorr.verify(public_key, message.signing_digest(), message.signature)
