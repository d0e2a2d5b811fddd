"""A serial line in memory, with a gateway's end that uses link.py as the gateway does."""

from countersign.carriers import framing, kinds
from countersign.carriers.link import Link
from countersign_agent.transports.transport import TransportError


class FarSide:
    """The gateway's end of the line. `taken`: the messages that arrived and were acknowledged.

    acknowledges: whether it acknowledges at once. is_there: whether anything reaches it.
    """

    def __init__(self, clock, session=1000):
        self.clock = clock
        kinds = framing.FROM_DEVICES
        self.link = Link(session, kinds, 115200, 100)
        self.taken = []
        self.acknowledges = True
        self.is_there = True
        self.incoming = []
        self.opened = 0

    def open(self, timeout_ms=0):
        """A new connection."""
        if not self.is_there:
            raise TransportError("cannot open the line")
        self.opened += 1
        self.incoming = []
        self.link.reconnected(self.clock.ms)
        self.stream = LineStream(self)
        return self.stream

    def send(self, kind, device_id, payload):
        if kind == kinds.BEACON.frame:
            self.link.send_newest(kind, payload)
        else:
            self.link.send(kind, device_id, payload)
        self.pump()

    def hear(self, data):
        self.link.receive(data, self.clock.ms)
        while True:
            delivery = self.link.take()
            if delivery is None:
                break
            self.taken.append((delivery.kind, delivery.device_id, delivery.payload))
            if self.acknowledges:
                self.link.acknowledge(delivery)
        self.pump()

    def pump(self):
        while True:
            data = self.link.next_frame(self.clock.ms)
            if not data:
                return
            self.incoming.append(data)


class LineStream:
    """One connection, as tcp_stream.TcpStream. `damage(data)`: a write as the line delivers it."""

    def __init__(self, far):
        self._far = far
        self.is_closed = False
        self.is_cut = False
        self.damage = lambda data: data

    def read_some(self):
        if self.is_cut:
            raise TransportError("line lost")
        self._far.pump()
        return self._far.incoming.pop(0) if self._far.incoming else b""

    def write_all(self, data, timeout_ms):
        if self.is_cut:
            raise TransportError("line lost")
        if self._far.is_there:
            self._far.hear(self.damage(data))

    def wait_readable(self, timeout_ms):
        if not self._far.incoming:
            self._far.clock.ms += timeout_ms

    def close(self):
        self.is_closed = True
