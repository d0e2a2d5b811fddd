"""Check-in: evidence on an interval, bound to the gateway's beacon and to a fresh counter
(PROTOCOL.md 6.2).

A verdict that does not come is never asked for again: new evidence with a new counter is sent.
"""

from countersign import messages, reasons
from countersign_agent import __version__
from countersign_agent.backoff import Backoff
from countersign_agent.exchanges import inbound

# Denials that only a person or a policy lifts: try on, but slowly.
_SLOW = (
    reasons.SUSPENDED,
    reasons.QUARANTINED,
    reasons.POLICY_DENIED,
    reasons.EMULATED_REFUSED,
    reasons.WRONG_AUDIENCE,
)
SLOW_FACTOR = 10
RETRY_LEAST_MS = 200


class CheckIn:
    """The rhythm of one device's evidence. `is_revoked` after a final no."""

    def __init__(self, attester):
        self._attester = attester
        self._beacon = None
        self._sequence = -1  # of the newest beacon seen
        self._stale = None  # a beacon that the gateway refused
        self._waiting = None  # the Entry whose verdict decides what comes next
        self._sent_ms = 0
        self._sent_beacon = None
        self._due_ms = 0
        config = attester.config
        slow_ms = max(config.check_in_interval_ms, 4 * config.result_timeout_ms)
        self._timeout = Backoff(config.result_timeout_ms, slow_ms, attester.entropy)
        self._retry = Backoff(RETRY_LEAST_MS, slow_ms, attester.entropy)
        self.is_revoked = False
        self.needs_enrolment = False
        self.needs_beacon = False

    def due_ms(self) -> int:
        """When `tick` next has something to do. Without a beacon, only a message can change it."""
        if self._waiting is None and self._beacon is None:
            return self._attester.clock.now_ms() + self._attester.config.check_in_interval_ms
        return self._due_ms

    def on_connected(self) -> None:
        """A new session: the retained beacon will come again, and it is newer than ours."""
        self._beacon = None
        self._sequence = -1

    def tick(self, now_ms: int) -> None:
        if now_ms < self._due_ms:
            return
        if self._waiting is not None:
            self._attester.report("timed_out", message="evidence", counter=self._waiting.counter)
            self._waiting = None
        if self._beacon is not None:
            self._send(now_ms)

    def on_beacon(self, payload: bytes) -> None:
        message = inbound.open_from_gateway(payload, messages.BEACON, self._attester)
        # The retained message comes again with each subscription: that is no event.
        if message.fields["beacon"] in (self._beacon, self._stale):
            return
        if message.fields["sequence"] <= self._sequence:
            raise inbound.Ignored("an older beacon")
        inbound.verify(message, self._attester)
        self._sequence = message.fields["sequence"]
        self._beacon = message.fields["beacon"]

    def on_verdict(self, entry, verdict: dict) -> None:
        """The gateway's verdict on evidence; only the latest one sets the rhythm."""
        if verdict["allow"]:
            self._timeout.reset()
            self._retry.reset()
            if entry is self._waiting:
                self._waiting = None
                self._due_ms = self._sent_ms + self._attester.config.check_in_interval_ms
        else:
            self.on_refusal(entry, verdict["reason"])

    def on_refusal(self, entry, reason: int) -> None:
        """The gateway refused evidence, before or by appraisal."""
        if reason == reasons.REVOKED:
            self.is_revoked = True
        if entry is not self._waiting:
            return
        self._waiting = None
        config = self._attester.config
        wait_ms = self._retry.next_ms()
        if reason == reasons.STALE_BEACON:
            if self._beacon == self._sent_beacon:
                # The gateway may count its beacons anew after a restore: take any but this one.
                self._stale, self._beacon, self._sequence = self._beacon, None, -1
                self.needs_beacon = True
        elif reason == reasons.UNKNOWN_DEVICE:
            self.needs_enrolment = True
        elif reason == reasons.REPLAYED:
            wait_ms = config.check_in_interval_ms  # the first delivery was accepted
        elif reason in _SLOW:
            wait_ms = config.check_in_interval_ms * SLOW_FACTOR
        self._due_ms = self._attester.clock.now_ms() + wait_ms

    def _send(self, now_ms):
        attester = self._attester
        counter = attester.next_counter()
        self._sent_ms = now_ms
        self._sent_beacon = self._beacon
        # Set before sending: a transport that fails midway may still have delivered it.
        self._due_ms = now_ms + self._timeout.next_ms()
        self._waiting = attester.send(
            messages.EVIDENCE,
            {
                "audience": attester.gateway_id,
                "beacon": self._beacon,
                "device_id": attester.device_id,
                "uptime_s": now_ms // 1000,
                "boot_count": attester.key_store.counters.boot_count,
                "software_version": __version__,
                "counter": counter,
                "readings": attester.sensors(),
                "environment": attester.config.environment,
            },
        )
        attester.report("evidence_sent", counter=counter, beacon_sequence=self._sequence)
