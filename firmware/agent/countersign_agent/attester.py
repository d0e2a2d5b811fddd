"""The device as the maker of messages: signs them, sends them, remembers them."""

from countersign import identity, messages
from countersign.carriers import topics
from countersign_agent.exchanges import pending

UPLINK_KINDS = {
    messages.ENROL_REQUEST: ("enrol", pending.REQUEST),
    messages.ENROL_PROOF: ("enrol", pending.PROOF),
    messages.EVIDENCE: ("evidence", pending.EVIDENCE),
}


class Attester:
    """What enrolment, check-in and receipts share.

    config: Config. key_store: KeyStore. transport: transport.py. clock: now_ms().
    sensors: callable -> readings. report: callable(event, **fields).
    """

    def __init__(self, config, key_store, entropy, transport, clock, sensors, report):
        self.config = config
        self.key_store = key_store
        self.identity = key_store.identity
        self.device_id = key_store.identity.device_id
        self.gateway_id = identity.gateway_id(config.gateway_public_key)
        self.entropy = entropy
        self.transport = transport
        self.clock = clock
        self.sensors = sensors
        self.report = report
        self.pending = pending.Pending(config.max_pending)

    def send(self, type: int, values: dict) -> pending.Entry:
        """Sign, remember and publish one message; its entry. Raises TransportError."""
        data = messages.seal(type, values, self.identity.sign)
        topic_kind, kind = UPLINK_KINDS[type]
        entry = self.pending.add(messages.digest(data), kind, values.get("counter"))
        self.transport.publish(
            topics.uplink(self.config.site, self.device_id, topic_kind), data, False
        )
        return entry

    def next_counter(self) -> int:
        return self.key_store.counters.next()
