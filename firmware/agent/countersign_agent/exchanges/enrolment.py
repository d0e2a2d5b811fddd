"""Enrolment: request, challenge, proof, verdict (PROTOCOL.md 6.1).

The gateway's challenge counts only if it echoes the nonce of the latest request. If no answer
comes, the whole exchange starts again, with growing pauses.
"""

from countersign import identity, messages, reasons
from countersign_agent.backoff import Backoff
from countersign_agent.exchanges import intents
from countersign_agent.exchanges.inbox import Ignored

# After these refusals a person has to act first, so the device waits long before it asks again.
# NOT_ADMITTED and AWAITING_APPROVAL are not among them: the person who admits a new device often
# stands beside it, so the pauses grow from short ones to the slow pace.
_SLOW = (
    reasons.WRONG_AUDIENCE,
    reasons.WRONG_KEY,
    reasons.UNSUPPORTED_SUITE,
    reasons.BAD_NEXT_KEY,
    reasons.SUSPENDED,
    reasons.QUARANTINED,
    reasons.POLICY_DENIED,
    reasons.EMULATED_REFUSED,
    reasons.ENROLMENTS_SPENT,
    reasons.COUNTER_TOO_HIGH,
)
SLOW_RETRY_MS = 60000
RETRY_LEAST_MS = 500


class Enrolment:
    """One device's enrolment at its gateway. `is_done` once the gateway has accepted it.

    config: Config. key_store: KeyStore. inbox, outbox: the device's. clock: now_ms(). entropy:
    take(). report: callable(event, **fields).
    """

    def __init__(self, config, key_store, inbox, outbox, clock, entropy, report, is_done: bool):
        self._key_store = key_store
        self._inbox = inbox
        self._outbox = outbox
        self._clock = clock
        self._entropy = entropy
        self._report = report
        self._owner = config.owner
        self._environment = config.environment
        self._nonce = None  # of the latest request, until its challenge came
        self._waiting = None  # the Entry whose answer decides
        self._due_ms = 0  # when to send a request, or to give an exchange up
        timeout_ms = config.result_timeout_ms
        slow_ms = max(SLOW_RETRY_MS, timeout_ms)
        self._timeout = Backoff(timeout_ms, slow_ms, entropy)
        self._retry = Backoff(RETRY_LEAST_MS, slow_ms, entropy)
        self.is_done = is_done

    def due_ms(self) -> int:
        """When `tick` next has something to do."""
        return self._due_ms

    def restart(self) -> None:
        """Enrol at the next tick, since the gateway does not know this device (any more)."""
        self.is_done = False
        self._waiting = None
        self._nonce = None
        self._due_ms = self._clock.now_ms()

    def tick(self, now_ms: int) -> None:
        if now_ms < self._due_ms:
            return
        if self._waiting is not None:
            self._report("timed_out", message=self._waiting.name)
        self._request(now_ms)

    def on_challenge(self, message) -> None:
        if self._nonce is None or message.fields["request_nonce"] != self._nonce:
            raise Ignored("a challenge for no request of ours")
        self._inbox.verify(message)
        registration = message.fields["registration"]
        if not self._may_register(registration):
            self._report("registration_refused", owner=registration["owner"])
            raise Ignored("a registration under another owner than the configured one")
        self._nonce = None  # one proof for one challenge
        self._report("challenge_received", registration=registration is not None)
        self._prove(message.fields["challenge"], registration)

    def on_verdict(self, entry, verdict: dict) -> int:
        """Take the gateway's verdict on an EnrolProof. Returns an intent, or None."""
        if not verdict["allow"]:
            return self.on_refusal(entry, verdict["reason"])
        self._finish()
        return None

    def on_refusal(self, entry, reason: int) -> int:
        """Take a refusal of the request or the proof. Returns an intent, or None."""
        if entry is not self._waiting:
            return None
        self._waiting = None
        self._nonce = None
        wait_ms = SLOW_RETRY_MS if reason in _SLOW else self._retry.next_ms()
        self._due_ms = self._clock.now_ms() + wait_ms
        return intents.STOP if reason == reasons.REVOKED else None

    def _request(self, now_ms):
        nonce = self._entropy.take()
        # These are set before sending, since a transport that fails may still have delivered.
        self._due_ms = now_ms + self._timeout.next_ms()
        self._nonce = nonce
        fields = self._presented()
        fields["request_nonce"] = nonce
        self._waiting = self._outbox.send(messages.ENROL_REQUEST, fields)
        self._report("enrol_requested")

    def _prove(self, challenge, registration):
        counter = self._key_store.counters.next()
        self._due_ms = self._clock.now_ms() + self._timeout.next_ms()
        fields = self._presented()
        fields["challenge"] = challenge
        fields["counter"] = counter
        fields["registration"] = registration
        fields["registration_signature"] = self._sign_registration(registration)
        self._waiting = self._outbox.send(messages.ENROL_PROOF, fields)
        self._report("proof_sent", counter=counter)

    def _presented(self):
        """The fields that request and proof share."""
        own = self._key_store.identity
        return {
            "device_id": own.device_id,
            "suite": own.suite,
            "public_key": own.public_key,
            "post_quantum_digest": identity.ZERO_DIGEST,
            "next_key_digest": own.next_key_digest(),
            "audience": self._inbox.gateway_id,
            "environment": self._environment,
        }

    def _sign_registration(self, registration):
        if registration is None:
            return None
        own = self._key_store.identity
        return own.sign(
            identity.registration_digest(
                registration["chain_id"],
                registration["contract"],
                own.device_id,
                registration["owner"],
                registration["device_class"],
                own.next_key_digest(),
            )
        )

    def _may_register(self, registration):
        owner = self._owner
        return registration is None or owner is None or registration["owner"] == owner

    def _finish(self):
        self._key_store.set_enrolled_gateway(self._inbox.gateway_id)
        self.is_done = True
        self._waiting = None
        self._timeout.reset()
        self._retry.reset()
        self._report("enrolled", gateway_id=self._inbox.gateway_id)
