"""The agent: one loop that keeps a session, enrols, checks in and listens.

    connect ─▶ enrol ─▶ check in ⟲ every interval
       ▲ backoff with jitter after every loss

Everything it touches is passed in, so that a test drives it step by step.
"""

from countersign.carriers import topics
from countersign_agent.attester import Attester
from countersign_agent.backoff import Backoff
from countersign_agent.exchanges import inbound, receipts, verdicts
from countersign_agent.exchanges.check_in import CheckIn
from countersign_agent.exchanges.enrolment import Enrolment
from countersign_agent.exchanges.pending import PROOF
from countersign_agent.keys.records import RecordDamaged
from countersign_agent.transports.transport import TransportError

ONLINE = b"online"
OFFLINE = b"offline"

POLL_MS = 1000
# Less than this may be too short for half a signature on a slow board.
IDLE_MS = 500
# A broker can send any number of messages that mean nothing: they share one line a period.
IGNORED_PERIOD_MS = 1000


class Agent:
    """`run` until revoked, or call `step` yourself. Arguments as for Attester."""

    def __init__(self, config, key_store, entropy, transport, clock, sensors, report):
        self._transport = transport
        self._clock = clock
        self._report = report
        self._attester = Attester(config, key_store, entropy, transport, clock, sensors, report)
        self._enrolment = Enrolment(self._attester, self._is_enrolled())
        self._check_in = CheckIn(self._attester)
        self._backoff = Backoff(config.reconnect_least_ms, config.reconnect_most_ms, entropy)
        self._connected = False
        self._connect_ms = 0
        self._ignored = 0
        self._ignored_ms = None

        site, device_id = config.site, self._attester.device_id
        self._presence = topics.presence(site, device_id)
        self._beacon_topic = topics.beacon(site)
        self._downlinks = topics.downlink_filter(site, device_id)
        self._handlers = {
            self._beacon_topic: self._check_in.on_beacon,
            topics.downlink(site, device_id, "challenge"): self._enrolment.on_challenge,
            topics.downlink(site, device_id, "result"): self._on_result,
            topics.downlink(site, device_id, "receipt"): self._on_receipt,
            topics.downlink(site, device_id, "error"): self._on_error,
        }

    def run(self) -> None:
        """Until the gateway revokes the device. The session is closed however this ends."""
        try:
            while self.step():
                pass
        finally:
            self.close()

    def step(self) -> bool:
        """One turn: at most one message, one thing due, one wait. False once revoked."""
        if self._enrolment.is_revoked or self._check_in.is_revoked:
            self._report("stopped", reason="REVOKED")
            return False
        try:
            if not self._connected:
                self._try_connect()
                return True
            self._do_what_is_due()
            self._receive()
        except TransportError as error:
            self._on_lost(error)
        return True

    def close(self) -> None:
        """Orderly end: the last will does not fire, so say it ourselves."""
        if self._connected:
            self._connected = False
            try:
                self._transport.publish(self._presence, OFFLINE, True)
            except TransportError as error:
                self._report("closed_without_goodbye", why=str(error))
        self._transport.close()

    def _try_connect(self):
        wait_ms = self._connect_ms - self._clock.now_ms()
        if wait_ms > 0:
            self._clock.sleep_ms(min(wait_ms, POLL_MS))
            return
        self._transport.connect(self._presence, OFFLINE)
        self._transport.subscribe([self._beacon_topic, self._downlinks])
        self._transport.publish(self._presence, ONLINE, True)
        self._connected = True
        self._check_in.on_connected()
        self._report("connected")

    def _on_lost(self, error):
        self._connected = False
        self._transport.close()
        delay_ms = self._backoff.next_ms()
        self._connect_ms = self._clock.now_ms() + delay_ms
        self._report("reconnecting", delay_ms=delay_ms, why=str(error))

    def _do_what_is_due(self):
        if self._check_in.needs_enrolment:
            self._check_in.needs_enrolment = False
            self._enrolment.restart()
        if self._check_in.needs_beacon:
            self._check_in.needs_beacon = False
            self._transport.subscribe([self._beacon_topic])
        self._doing().tick(self._clock.now_ms())

    def _doing(self):
        return self._check_in if self._enrolment.is_done else self._enrolment

    def _receive(self):
        wait_ms = self._doing().due_ms() - self._clock.now_ms()
        received = self._transport.poll(max(0, min(wait_ms, POLL_MS)))
        if received is None:
            # Nothing came and nothing is due soon: work ahead for the next signature.
            if self._doing().due_ms() - self._clock.now_ms() >= IDLE_MS:
                self._attester.identity.prepare()
            return
        topic, payload = received
        try:
            handler = self._handlers.get(topic)
            if handler is None:
                raise inbound.Ignored("a topic that was not subscribed")
            handler(payload)
        except inbound.Ignored as ignored:
            self._count_ignored(topic, str(ignored))

    def _on_result(self, payload):
        entry, verdict = verdicts.accept_result(payload, self._attester)
        self._backoff.reset()  # a session that carries verdicts is a good one
        handler = self._enrolment if entry.kind == PROOF else self._check_in
        handler.on_verdict(entry, verdict)

    def _on_error(self, payload):
        entry, reason = verdicts.accept_error(payload, self._attester)
        handler = self._check_in if entry.kind == "evidence" else self._enrolment
        handler.on_refusal(entry, reason)

    def _on_receipt(self, payload):
        receipts.accept_receipt(payload, self._attester)

    def _count_ignored(self, topic, why):
        self._ignored += 1
        now_ms = self._clock.now_ms()
        if self._ignored_ms is None or now_ms - self._ignored_ms >= IGNORED_PERIOD_MS:
            # Topics of ours end in "down/result" or the like; a foreign one may be long.
            kind = "/".join(topic.split("/")[-2:])[-32:]
            self._report("ignored", kind=kind, why=why, count=self._ignored)
            self._ignored = 0
            self._ignored_ms = now_ms

    def _is_enrolled(self):
        try:
            return self._attester.key_store.enrolled_gateway() == self._attester.gateway_id
        except RecordDamaged as damage:
            # Safe to go on: enrolling again with the same key changes nothing.
            self._report("enrolment_record_damaged", why=str(damage))
            return False
