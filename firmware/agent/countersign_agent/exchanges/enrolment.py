"""Enrolment: request, challenge, proof, verdict (PROTOCOL.md 6.1).

The gateway's challenge counts only if it echoes the nonce of the latest request. If no answer
comes, the whole exchange starts again, with growing pauses.
"""

from countersign import identity, messages, reasons
from countersign_agent.backoff import Backoff
from countersign_agent.exchanges import inbound

# Refusals after which asking again soon is pointless: a person has to act first.
_SLOW = (
    reasons.WRONG_AUDIENCE,
    reasons.WRONG_KEY,
    reasons.UNSUPPORTED_SUITE,
    reasons.SUSPENDED,
    reasons.QUARANTINED,
    reasons.POLICY_DENIED,
    reasons.EMULATED_REFUSED,
)
SLOW_RETRY_MS = 60000
RETRY_LEAST_MS = 500


class Enrolment:
    """One device's enrolment at its gateway. `is_done`, and `is_revoked` after a final no."""

    def __init__(self, attester, is_done: bool):
        self._attester = attester
        self._nonce = None  # of the latest request, until its challenge came
        self._waiting = None  # the Entry whose answer decides
        self._due_ms = 0  # when to send a request, or to give an exchange up
        timeout_ms = attester.config.result_timeout_ms
        slow_ms = max(SLOW_RETRY_MS, timeout_ms)
        self._timeout = Backoff(timeout_ms, slow_ms, attester.entropy)
        self._retry = Backoff(RETRY_LEAST_MS, slow_ms, attester.entropy)
        self.is_done = is_done
        self.is_revoked = False

    def due_ms(self) -> int:
        """When `tick` next has something to do."""
        return self._due_ms

    def restart(self) -> None:
        """The gateway does not know us (any more): enrol at the next tick."""
        self.is_done = False
        self._waiting = None
        self._nonce = None
        self._due_ms = self._attester.clock.now_ms()

    def tick(self, now_ms: int) -> None:
        if now_ms < self._due_ms:
            return
        if self._waiting is not None:
            self._attester.report("timed_out", message=self._waiting.kind)
        self._request(now_ms)

    def on_challenge(self, payload: bytes) -> None:
        attester = self._attester
        message = inbound.open_from_gateway(payload, messages.ENROL_CHALLENGE, attester)
        if self._nonce is None or message.fields["request_nonce"] != self._nonce:
            raise inbound.Ignored("a challenge for no request of ours")
        inbound.verify(message, attester)
        registration = message.fields["registration"]
        if not self._may_register(registration):
            attester.report("registration_refused", owner=registration["owner"])
            raise inbound.Ignored("a registration under another owner than the configured one")
        self._nonce = None  # one proof for one challenge
        attester.report("challenge_received", registration=registration is not None)
        self._prove(message.fields["challenge"], registration)

    def on_verdict(self, entry, verdict: dict) -> None:
        """The gateway's answer to an EnrolProof."""
        if verdict["allow"]:
            self._finish()
        else:
            self.on_refusal(entry, verdict["reason"])

    def on_refusal(self, entry, reason: int) -> None:
        """The gateway refused our request or our proof."""
        if entry is not self._waiting:
            return
        self._waiting = None
        self._nonce = None
        now_ms = self._attester.clock.now_ms()
        if reason == reasons.REVOKED:
            self.is_revoked = True
        self._due_ms = now_ms + (SLOW_RETRY_MS if reason in _SLOW else self._retry.next_ms())

    def _request(self, now_ms):
        attester = self._attester
        own = attester.identity
        nonce = attester.entropy.take()
        # Set before sending: a transport that fails midway may still have delivered it.
        self._due_ms = now_ms + self._timeout.next_ms()
        self._nonce = nonce
        self._waiting = attester.send(
            messages.ENROL_REQUEST,
            {
                "device_id": own.device_id,
                "suite": own.suite,
                "public_key": own.public_key,
                "post_quantum_digest": identity.ZERO_DIGEST,
                "next_key_digest": own.next_key_digest(),
                "audience": attester.gateway_id,
                "request_nonce": nonce,
                "environment": attester.config.environment,
            },
        )
        attester.report("enrol_requested")

    def _prove(self, challenge, registration):
        attester = self._attester
        counter = attester.next_counter()
        self._due_ms = attester.clock.now_ms() + self._timeout.next_ms()
        self._waiting = attester.send(
            messages.ENROL_PROOF,
            {
                "device_id": attester.device_id,
                "audience": attester.gateway_id,
                "challenge": challenge,
                "counter": counter,
                "registration_signature": self._sign_registration(registration),
            },
        )
        attester.report("proof_sent", counter=counter)

    def _sign_registration(self, registration):
        if registration is None:
            return None
        own = self._attester.identity
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
        owner = self._attester.config.owner
        return registration is None or owner is None or registration["owner"] == owner

    def _finish(self):
        attester = self._attester
        attester.key_store.set_enrolled_gateway(attester.gateway_id)
        self.is_done = True
        self._waiting = None
        self._timeout.reset()
        self._retry.reset()
        attester.report("enrolled", gateway_id=attester.gateway_id)
