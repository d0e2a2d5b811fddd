"""A TCP connection, optionally with TLS, that never blocks longer than its timeouts.

    read_some()                  what has arrived, at most READ_BYTES; b"" if nothing has
    write_all(data, timeout_ms)  all of it, or TransportError
    wait_readable(timeout_ms)    returns when bytes may have arrived, or after the time
    close()

Every failure is a TransportError. MicroPython's own sockets and `tls` module are used directly.
"""

import select
import socket

from countersign_agent.transports.transport import TransportError

READ_BYTES = 512

_EAGAIN = 11


def open_tcp(host: str, port: int, timeout_ms: int, clock, tls_ca: bytes = None, heard=None):
    """Connect. `tls_ca`: DER certificate of the broker's authority, or None for plain TCP. heard:
    called once when the first bytes came, or None.

    With `tls_ca`, the broker's certificate must also carry `host`. A TLS connection without
    verification is not possible. The name look-up has the system's own timeout.
    """
    connection = None
    try:
        address = socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM)[0]
        connection = socket.socket(address[0], socket.SOCK_STREAM)
        connection.settimeout(timeout_ms / 1000)
        connection.connect(address[-1])
        stream = connection if tls_ca is None else _wrap(connection, host, tls_ca)
        connection.setblocking(False)
    except (OSError, ValueError) as error:
        # MicroPython's tls raises ValueError for a certificate that it cannot read.
        if connection is not None:
            connection.close()
        raise TransportError("cannot connect: " + str(error))
    return TcpStream(connection, stream, clock, heard)


def _wrap(connection, host, tls_ca):
    import tls  # imported only here: not every build has it

    context = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
    context.verify_mode = tls.CERT_REQUIRED
    context.load_verify_locations(tls_ca)
    return context.wrap_socket(connection, server_hostname=host)


class TcpStream:
    """An open connection. `connection` is the socket, `stream` it or the TLS layer over it."""

    def __init__(self, connection, stream, clock, heard=None):
        self._heard = heard
        self._connection = connection
        self._stream = stream
        self._clock = clock
        self._poller = select.poll()
        self._poller.register(stream, select.POLLIN)

    def read_some(self) -> bytes:
        try:
            data = self._stream.read(READ_BYTES)
        except OSError as error:
            if error.errno == _EAGAIN:
                return b""
            raise TransportError("connection lost: " + str(error))
        if data is None:
            return b""
        if not data:
            raise TransportError("the broker closed the connection")
        if self._heard is not None:
            self._heard()
            self._heard = None
        return data

    def write_all(self, data: bytes, timeout_ms: int) -> None:
        view = memoryview(data)
        deadline_ms = self._clock.now_ms() + timeout_ms
        while True:
            try:
                written = self._stream.write(view)
            except OSError as error:
                if error.errno != _EAGAIN:
                    raise TransportError("connection lost: " + str(error))
                written = None
            view = view[written or 0 :]
            if not len(view):
                return
            left_ms = deadline_ms - self._clock.now_ms()
            if left_ms <= 0:
                raise TransportError("the broker takes no data")
            self._poller.modify(self._stream, select.POLLOUT)
            self._poller.poll(left_ms)
            self._poller.modify(self._stream, select.POLLIN)

    def wait_readable(self, timeout_ms: int) -> None:
        self._poller.poll(timeout_ms)

    def close(self) -> None:
        try:
            self._stream.close()
        except OSError:
            # A TLS layer may fail to say goodbye on a dead connection. Only the socket matters.
            pass
        self._connection.close()
