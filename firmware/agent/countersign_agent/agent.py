"""The agent: one loop that keeps a session, enrols, checks in and listens.

    connect ─▶ enrol ─▶ check in ⟲ every interval
       ▲ backoff with jitter after every loss

The caller passes in everything that the agent touches, so a test can drive it step by step.
"""

from countersign import messages
from countersign_agent.backoff import Backoff
from countersign_agent.exchanges import intents, receipts, verdicts
from countersign_agent.exchanges.check_in import CheckIn
from countersign_agent.exchanges.enrolment import Enrolment
from countersign_agent.exchanges.inbox import Ignored, Inbox
from countersign_agent.exchanges.outbox import Outbox
from countersign_agent.exchanges.pending import Pending
from countersign_agent.keys.stored_records import RecordDamaged
from countersign_agent.transports.transport import NotOurs, TransportError

POLL_MS = 1000
# A shorter idle time may not suffice for half a signature on a slow board.
IDLE_MS = 500
# A session that ends sooner was not a good one. After a few of them in a row the pauses grow: a
# second holder of the device's name at the broker would otherwise take turns with it for ever.
SHORT_SESSION_MS = 30000
SHORT_SESSIONS = 3
# A broker can send any number of meaningless messages, so the log has one line for them a period.
IGNORED_PERIOD_MS = 1000


class Agent:
    """`run` until revoked, or call `step` yourself.

    config: Config. key_store: KeyStore. entropy: EntropyPool. transport: see transport.py.
    clock: now_ms(), sleep_ms(). sensors: callable -> readings. report: callable(event, **fields).
    turn: called at each turn, or None; what it raises ends the agent.
    """

    def __init__(self, config, key_store, entropy, transport, clock, sensors, report, turn=None):
        own = key_store.identity
        pending = Pending(config.max_pending)
        self._identity = own
        self._transport = transport
        self._clock = clock
        self._report = report
        self._turn = turn
        self._inbox = inbox = Inbox(config.gateway_public_key, own.device_id, pending)
        outbox = Outbox(own, transport, pending)
        self._enrolment = Enrolment(
            config, key_store, inbox, outbox, clock, entropy, report, self._is_enrolled(key_store)
        )
        self._check_in = CheckIn(config, key_store, inbox, outbox, clock, entropy, sensors, report)
        self._backoff = Backoff(config.reconnect_least_ms, config.reconnect_most_ms, entropy)
        self._connected = False
        self._revoked = False
        self._connect_ms = 0
        self._connected_ms = 0
        self._short = 0  # sessions in a row that ended soon
        self._ignored = 0
        self._ignored_ms = None
        # Each handler takes the message and its bytes.
        self._handlers = {
            messages.BEACON: self._on_beacon,
            messages.ENROL_CHALLENGE: self._on_challenge,
            messages.ATTESTATION_RESULT: self._on_result,
            messages.RECEIPT: self._on_receipt,
            messages.ERROR: self._on_error,
        }

    def run(self) -> None:
        """Step until the gateway revokes the device. The session is closed however this ends."""
        try:
            while self.step():
                pass
        finally:
            self.close()

    def step(self) -> bool:
        """Take one turn: at most one message, one due task, one wait. False once revoked."""
        if self._revoked:
            self._report("stopped", reason="REVOKED")
            return False
        if self._turn is not None:
            self._turn()
        try:
            if not self._connected:
                self._try_connect()
                return True
            self._do(self._doing().tick(self._clock.now_ms()))
            self._receive()
        except TransportError as error:
            self._on_lost(error)
        return True

    def close(self) -> None:
        """End in order: the transport tells the others that the device goes."""
        if self._connected:
            self._connected = False
            try:
                self._transport.leave()
            except TransportError as error:
                self._report("closed_without_goodbye", why=str(error))
        self._transport.close()

    def _try_connect(self):
        wait_ms = self._connect_ms - self._clock.now_ms()
        if wait_ms > 0:
            self._clock.sleep_ms(min(wait_ms, POLL_MS))
            return
        if self._transport.connect() and self._enrolment.is_done:
            self._enrolment.restart()
        self._connected = True
        self._connected_ms = self._clock.now_ms()
        self._check_in.on_connected()
        self._report("connected")

    def _on_lost(self, error):
        if self._connected:
            self._count_short()
        self._connected = False
        self._transport.close()
        delay_ms = 0 if error.at_once else self._backoff.next_ms()
        self._connect_ms = self._clock.now_ms() + delay_ms
        self._report("reconnecting", delay_ms=delay_ms, why=str(error))

    def _count_short(self):
        if self._clock.now_ms() - self._connected_ms >= SHORT_SESSION_MS:
            self._short = 0
            return
        self._short += 1
        if self._short >= SHORT_SESSIONS:
            self._report("session_contested", count=self._short)

    def _doing(self):
        return self._check_in if self._enrolment.is_done else self._enrolment

    def _receive(self):
        wait_ms = self._doing().due_ms() - self._clock.now_ms()
        try:
            received = self._transport.receive(max(0, min(wait_ms, POLL_MS)))
            if received is not None:
                self._take(*received)
                return
        except NotOurs as foreign:
            self._count_ignored(str(foreign), "a topic that was not subscribed")
            return
        # No message came and nothing is due soon, so the agent prepares the next signature.
        if self._doing().due_ms() - self._clock.now_ms() >= IDLE_MS:
            self._identity.prepare()

    def _take(self, kind, payload):
        try:
            message = self._inbox.open(kind, payload)
            handler = self._handlers.get(message.type)
            if handler is None:
                raise Ignored("nothing here takes a " + message.name)
            self._do(handler(message, payload))
        except Ignored as ignored:
            self._count_ignored(kind.path, str(ignored))

    def _do(self, intent):
        if intent == intents.STOP:
            self._revoked = True
        elif intent == intents.ENROL_AGAIN:
            self._enrolment.restart()
        elif intent == intents.ASK_BEACON:
            self._transport.ask_beacon()
        elif intent == intents.RECONNECT:
            raise TransportError("no beacon comes")

    def _on_beacon(self, message, payload):
        self._check_in.on_beacon(message)

    def _on_challenge(self, message, payload):
        self._enrolment.on_challenge(message)

    def _on_result(self, message, payload):
        entry, verdict = verdicts.accept_result(message, payload, self._inbox, self._report)
        lasted_ms = self._clock.now_ms() - self._connected_ms
        if self._short < SHORT_SESSIONS or lasted_ms >= SHORT_SESSION_MS:
            self._backoff.reset()  # a session that carries verdicts is a good one
        intent = self._whose(entry).on_verdict(entry, verdict)
        if self._enrolment.is_done:
            self._transport.admitted()
        return intent

    def _on_error(self, message, payload):
        entry, reason = verdicts.accept_error(message, self._inbox, self._report)
        return self._whose(entry).on_refusal(entry, reason)

    def _on_receipt(self, message, payload):
        receipts.accept_receipt(message, self._inbox, self._report)

    def _whose(self, entry):
        return self._check_in if entry.type == messages.EVIDENCE else self._enrolment

    def _count_ignored(self, kind, why):
        self._ignored += 1
        now_ms = self._clock.now_ms()
        if self._ignored_ms is None or now_ms - self._ignored_ms >= IGNORED_PERIOD_MS:
            self._report("ignored", kind=kind, why=why, count=self._ignored)
            self._ignored = 0
            self._ignored_ms = now_ms

    def _is_enrolled(self, key_store):
        try:
            return key_store.enrolled_gateway() == self._inbox.gateway_id
        except RecordDamaged as damage:
            # The agent can go on safely: to enrol again with the same key changes nothing.
            self._report("enrolment_record_damaged", why=str(damage))
            return False
