"""Keeps the parsed and built topics of a site, as bytes, in bounded tables."""

from __future__ import annotations

from countersign.carriers import topics
from countersign_gateway.model import Reply

MAX_KNOWN_TOPICS = 16384


class TopicTable:
    """`downlink` is safe from any thread; `sender` is for the network thread."""

    def __init__(self, site: str) -> None:
        self._site = site
        self._downlinks: dict[tuple[bytes, str], bytes] = {}
        self._senders: dict[bytes, tuple[bytes | None, str]] = {}

    def downlink(self, reply: Reply) -> bytes:
        """The topic of a reply."""
        key = (reply.device_id, reply.kind)
        topic = self._downlinks.get(key)
        if topic is None:
            if len(self._downlinks) >= MAX_KNOWN_TOPICS:
                self._downlinks.clear()
            topic = topics.downlink(self._site, reply.device_id, reply.kind).encode()
            self._downlinks[key] = topic
        return topic

    def sender(self, topic: bytes) -> tuple[bytes | None, str]:
        """The device and the kind that a topic names; (None, "") if it is not one of ours."""
        return self._senders.get(topic) or self._parsed(topic)

    def _parsed(self, topic: bytes) -> tuple[bytes | None, str]:
        try:
            sender = topics.parse_uplink(self._site, topic.decode())
        except UnicodeDecodeError:
            sender = None
        if sender is None:
            # It is not kept: such a topic can have any length, up to 64 KB.
            return None, ""
        if len(self._senders) >= MAX_KNOWN_TOPICS:
            self._senders.clear()  # a flood of topics costs parsing them again, not memory
        self._senders[topic] = sender
        return sender

    def __len__(self) -> int:
        return len(self._senders)
