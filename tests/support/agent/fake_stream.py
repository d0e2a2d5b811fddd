"""A connection to a scripted broker, with the methods of tcp_stream.TcpStream."""

from countersign_agent.transports.transport import TransportError

CONNACK_NEW = b"\x20\x02\x00\x00"
CONNACK_KEPT = b"\x20\x02\x01\x00"


class FakeStream:
    """`incoming`: list of pieces in order of arrival; b"" is a moment of silence, None the end.

    `sent`: everything that the client wrote. A wait moves the clock to its end.
    """

    def __init__(self, clock, incoming):
        self.clock = clock
        self.incoming = list(incoming)
        self.sent = b""
        self.is_closed = False
        self.refuses_data = False

    def read_some(self):
        if not self.incoming:
            return b""
        piece = self.incoming.pop(0)
        if piece is None:
            raise TransportError("the broker closed the connection")
        return piece

    def write_all(self, data, timeout_ms):
        if self.refuses_data:
            raise TransportError("the broker takes no data")
        self.sent += data

    def wait_readable(self, timeout_ms):
        if not self.incoming:
            self.clock.ms += timeout_ms

    def close(self):
        self.is_closed = True


def publish(topic, payload, packet_id=None, first=None):
    """A PUBLISH as a broker sends it."""
    body = len(topic).to_bytes(2, "big") + topic.encode()
    if packet_id is not None:
        body += packet_id.to_bytes(2, "big")
    body += payload
    if first is None:
        first = 0x30 if packet_id is None else 0x32
    return bytes([first]) + remaining_length(len(body)) + body


def remaining_length(length):
    encoded = bytearray()
    while True:
        byte = length & 0x7F
        length >>= 7
        encoded.append(byte | 0x80 if length else byte)
        if not length:
            return bytes(encoded)
