"""The serial ingress: every configured line works as MQTT does (PROTOCOL.md, section 11).

A line gives the same Envelope to the same intake as MQTT does, and acknowledges a message only when
the pipeline says so. An answer goes back on the line of the message that it answers, whatever
device_id that message names. A receipt answers nothing: it goes where the device's last result
went. Only a holder of the device's key obtains a result, so nobody else moves that way.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import partial

from countersign import messages, reasons
from countersign.carriers import framing, kinds
from countersign.carriers.link import Delivery
from countersign_gateway.config import SerialConfig
from countersign_gateway.ingress.intake import Inlet
from countersign_gateway.ingress.serial_lines.serial_line import SerialLine
from countersign_gateway.model import Envelope, Reply
from countersign_gateway.operations.log import EventLog
from countersign_gateway.operations.tally import Tally

MAX_KNOWN_DEVICES = 16384
_RESULT = "result"
_FRAMES = {kind.name: number for number, kind in framing.KINDS.items()}

# Answers a message that is never queued: (device_id or None, payload, reason, origin).
RefuseEarly = Callable[[bytes | None, bytes, int, str], None]


class SerialIngress:
    """All lines. `start`, then `send` and `publish_beacon` from any thread, then `stop`."""

    def __init__(
        self,
        *,
        lines: Sequence[SerialConfig],
        intake: Inlet,
        refuse_early: RefuseEarly,
        log: EventLog,
        tally: Tally,
    ) -> None:
        self._intake = intake
        self._refuse_early = refuse_early
        self._log = log
        self._tally = tally
        self._lock = threading.Lock()  # for the tables, and for the counts that all lines write
        self._verified_on: OrderedDict[bytes, SerialLine] = OrderedDict()
        self._beacon = b""
        self._lines = [SerialLine(line, self._deliver, log) for line in lines]
        self._by_origin = {line.url: line for line in self._lines}

    def start(self) -> None:
        for line in self._lines:
            line.start()

    def stop(self) -> None:
        """Close all lines. Devices send again every message that was not acknowledged."""
        for line in self._lines:
            line.stop()

    def send(self, reply: Reply) -> bool:
        """Queue a reply for its device until `flush`. False if its way is not a line.

        A line without room drops the reply and counts it.
        """
        with self._lock:
            line = self._line_for(reply)
        if line is None:
            return False
        if not line.send(_FRAMES[reply.kind], reply.device_id, reply.payload):
            with self._lock:
                self._tally.serial_unsent += 1
            self._log.event("reply_dropped", device_id=reply.device_id, kind=reply.kind)
        return True

    def _line_for(self, reply: Reply) -> SerialLine | None:
        """The line of a reply; a result also sets the line for receipts. Call it under the lock."""
        if reply.origin is None:
            return self._verified_on.get(reply.device_id)
        line = self._by_origin.get(reply.origin)
        if reply.kind == _RESULT:
            if line is None:
                self._verified_on.pop(reply.device_id, None)
            else:
                _remember(self._verified_on, reply.device_id, line)
        return line

    def publish_beacon(self, beacon: bytes) -> None:
        """Send it on every line, and keep it for devices that ask before the next one."""
        self._beacon = beacon
        for line in self._lines:
            line.send_newest(kinds.BEACON.frame, beacon)
        self.flush()

    def flush(self) -> None:
        """Make the lines send queued replies and acknowledgements."""
        for line in self._lines:
            line.wake()

    def _deliver(self, line: SerialLine, delivery: Delivery) -> None:
        """Take one delivery. The line calls it on its own thread."""
        device_id: bytes = delivery.device_id
        if delivery.kind == framing.LISTEN:
            if self._beacon:
                line.send_newest(kinds.BEACON.frame, self._beacon)
            line.acknowledge(delivery)
            return
        if len(delivery.payload) > messages.MAX_MESSAGE_BYTES:
            with self._lock:
                self._tally.serial_oversized += 1
            self._refuse_early(device_id, delivery.payload, reasons.OVERSIZED, line.url)
            line.acknowledge(delivery)
            return
        envelope = Envelope(
            device_id,
            framing.KINDS[delivery.kind].name,
            delivery.payload,
            partial(line.acknowledge, delivery),
            origin=line.url,
        )
        if not self._intake.put(envelope):
            with self._lock:
                self._tally.serial_shed += 1
            self._refuse_early(device_id, delivery.payload, reasons.BUSY, line.url)
            line.acknowledge(delivery)


def _remember(table: OrderedDict[bytes, SerialLine], device_id: bytes, line: SerialLine) -> None:
    table[device_id] = line
    table.move_to_end(device_id)
    if len(table) > MAX_KNOWN_DEVICES:
        table.popitem(last=False)
