"""The transport over a broker: each kind of message has a topic; presence is a retained message."""

from countersign.carriers import kinds, topics
from countersign_agent.transports.transport import NotOurs

ONLINE = b"online"
OFFLINE = b"offline"


class MqttTransport:
    """Keeps the contract of transport.py. client: an MqttClient. account: the device's level in
    topics. is_shared: others use this account too, so it has no presence and keeps no session."""

    def __init__(self, client, site: str, account: str, is_shared: bool = False):
        self._client = client
        self._presence = None if is_shared else topics.of_account(site, account, "presence")
        self._beacon = topics.beacon(site)
        self._topics = {}
        for kind in kinds.ALL:
            if kind.direction == kinds.SITE:
                self._topics[kind] = topics.of(site, b"", kind)
            else:
                self._topics[kind] = topics.of_account(site, account, kind.path)
        self._filters = [self._topics[kind] for kind in kinds.ALL if kind.direction == kinds.SITE]
        self._filters.append(topics.of_account(site, account, kinds.DOWN + "/+"))
        self._kinds = {self._topics[kind]: kind for kind in kinds.ALL if kind.direction != kinds.UP}

    def connect(self) -> None:
        shows = self._presence is not None
        self._client.connect((self._presence, OFFLINE) if shows else None)
        self._client.subscribe(self._filters)
        if shows:
            self._client.publish(self._presence, ONLINE, True)

    def admitted(self) -> None:
        pass

    def send(self, kind, payload: bytes) -> None:
        self._client.publish(self._topics[kind], payload)

    def receive(self, timeout_ms: int) -> tuple:
        received = self._client.poll(timeout_ms)
        if received is None:
            return None
        topic, payload = received
        kind = self._kinds.get(topic)
        if kind is None:
            # The device's own topics end in "down/result" or the like. A foreign one may be long.
            raise NotOurs("/".join(topic.split("/")[-2:])[-32:])
        return kind, payload

    def ask_beacon(self) -> None:
        # A broker sends the retained message again when a client repeats the subscription.
        self._client.subscribe([self._beacon])

    def leave(self) -> None:
        if self._presence is not None:
            self._client.publish(self._presence, OFFLINE, True)

    def close(self) -> None:
        self._client.close()
