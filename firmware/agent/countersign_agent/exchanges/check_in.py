"""Check-in: evidence on an interval, bound to the gateway's beacon and to a fresh counter
(PROTOCOL.md 6.2).

The device never asks again for a missing verdict. It sends new evidence with a new counter.
"""

from countersign import messages, reasons
from countersign_agent import __version__
from countersign_agent.backoff import Backoff
from countersign_agent.exchanges import intents
from countersign_agent.exchanges.inbox import Ignored
from countersign_agent.exchanges.readings import Readings

# Only a person or a policy lifts these denials, so the device keeps trying, but slowly.
_SLOW = (
    reasons.SUSPENDED,
    reasons.QUARANTINED,
    reasons.POLICY_DENIED,
    reasons.EMULATED_REFUSED,
    reasons.WRONG_AUDIENCE,
    reasons.COUNTER_TOO_HIGH,
)
SLOW_FACTOR = 10
RETRY_LEAST_MS = 200
# For how many intervals the device waits for a beacon, and how often it asks before it reconnects.
BEACON_INTERVALS = 3
BEACON_TRIES = 3


class CheckIn:
    """Decides when one device sends evidence.

    config: Config. key_store: KeyStore. inbox, outbox: the device's. clock: now_ms(). entropy:
    take(). sensors: callable -> readings. report: callable(event, **fields).
    """

    def __init__(self, config, key_store, inbox, outbox, clock, entropy, sensors, report):
        self._key_store = key_store
        self._inbox = inbox
        self._outbox = outbox
        self._clock = clock
        self._readings = Readings(sensors, clock, report)
        self._report = report
        self._interval_ms = config.check_in_interval_ms
        self._environment = config.environment
        self._beacon = None
        self._sequence = -1  # of the newest beacon seen
        self._stale = None  # a beacon that the gateway refused
        self._waiting = None  # the Entry whose verdict decides what comes next
        self._sent_ms = 0
        self._sent_beacon = None
        self._due_ms = 0
        self._beacon_patience_ms = max(
            BEACON_INTERVALS * config.check_in_interval_ms, config.result_timeout_ms
        )
        self._beaconless_ms = None  # since when there is no beacon, or when it was asked for
        self._beacon_tries = 0
        slow_ms = max(config.check_in_interval_ms, 4 * config.result_timeout_ms)
        self._timeout = Backoff(config.result_timeout_ms, slow_ms, entropy)
        self._retry = Backoff(RETRY_LEAST_MS, slow_ms, entropy)

    def due_ms(self) -> int:
        """When `tick` next has work. Without a beacon, only a message from the gateway gives it."""
        if self._waiting is None and self._beacon is None:
            return self._clock.now_ms() + self._interval_ms
        return self._due_ms

    def on_connected(self) -> None:
        """A new session brings the current beacon again, so the device forgets the one it has."""
        self._beacon = None
        self._sequence = -1

    def tick(self, now_ms: int) -> int:
        """Do what is due. Returns an intent, or None."""
        if now_ms < self._due_ms:
            return None
        if self._waiting is not None:
            self._report("timed_out", message="evidence", counter=self._waiting.counter)
            self._waiting = None
        if self._beacon is None:
            return self._miss_beacon(now_ms)
        self._beaconless_ms = None
        self._beacon_tries = 0
        self._send(now_ms)
        return None

    def _miss_beacon(self, now_ms):
        if self._beaconless_ms is None:
            self._beaconless_ms = now_ms
        if now_ms - self._beaconless_ms < self._beacon_patience_ms:
            return None
        self._beaconless_ms = now_ms
        self._beacon_tries += 1
        self._report("beacon_missing", tries=self._beacon_tries)
        if self._beacon_tries <= BEACON_TRIES:
            return intents.ASK_BEACON
        self._beacon_tries = 0
        return intents.RECONNECT

    def on_beacon(self, message) -> None:
        # The broker repeats the retained message at each subscription, which means nothing new.
        if message.fields["beacon"] in (self._beacon, self._stale):
            return
        if message.fields["sequence"] <= self._sequence:
            raise Ignored("an older beacon")
        self._inbox.verify(message)
        self._sequence = message.fields["sequence"]
        self._beacon = message.fields["beacon"]

    def on_verdict(self, entry, verdict: dict) -> int:
        """Take a verdict on evidence. Only that on the latest sets the next time. An intent."""
        if not verdict["allow"]:
            return self.on_refusal(entry, verdict["reason"])
        self._timeout.reset()
        self._retry.reset()
        if entry is self._waiting:
            self._waiting = None
            self._due_ms = self._sent_ms + self._interval_ms
        return None

    def on_refusal(self, entry, reason: int) -> int:
        """Take a refusal of evidence, before or by appraisal. Returns an intent, or None."""
        if reason == reasons.REVOKED:
            return intents.STOP
        if entry is not self._waiting:
            return None
        self._waiting = None
        intent = None
        wait_ms = self._retry.next_ms()
        if reason == reasons.STALE_BEACON:
            if self._beacon == self._sent_beacon:
                # A restored gateway may count its beacons anew, so any other beacon is accepted.
                self._stale, self._beacon, self._sequence = self._beacon, None, -1
                intent = intents.ASK_BEACON
        elif reason == reasons.UNKNOWN_DEVICE:
            intent = intents.ENROL_AGAIN
        elif reason == reasons.REPLAYED:
            wait_ms = self._interval_ms  # the first delivery was accepted
        elif reason in _SLOW:
            wait_ms = self._interval_ms * SLOW_FACTOR
        self._due_ms = self._clock.now_ms() + wait_ms
        return intent

    def _send(self, now_ms):
        counters = self._key_store.counters
        counter = counters.next()
        self._sent_ms = now_ms
        self._sent_beacon = self._beacon
        # These are set before sending, since a transport that fails may still have delivered.
        self._due_ms = now_ms + self._timeout.next_ms()
        self._waiting = self._outbox.send(
            messages.EVIDENCE,
            {
                "audience": self._inbox.gateway_id,
                "beacon": self._beacon,
                "device_id": self._key_store.identity.device_id,
                "uptime_s": now_ms // 1000,
                "boot_count": counters.boot_count,
                "software_version": __version__,
                "counter": counter,
                "readings": self._readings.take(),
                "environment": self._environment,
            },
        )
        self._report("evidence_sent", counter=counter, beacon_sequence=self._sequence)
