"""A serial line as bytes, with the methods of tcp_stream.TcpStream.

    usb                  the board's USB-CDC port, or a process's standard input and output. The
                         agent's log shares it: the gateway skips text between frames
    uart:<n>             machine.UART(n)
    /dev/…               a terminal or pty in raw mode, on MicroPython's unix port
    socket://host:port   TCP in place of a cable

Every failure is a TransportError.
"""

import select
import sys

from countersign_agent.transports.transport import TransportError

READ_BYTES = 512
# How much to write after one poll for room: less than any port's buffer holds.
_WRITE_BYTES = 64
# Room for a window of usual messages (link.py), which may come during a signature check.
_UART_BUFFER_BYTES = 4096

USB = "usb"


def check_port(port: str) -> None:
    """Raise ValueError, with a sentence, if `port` has none of the forms above."""
    if port == USB or port.startswith("/"):
        return
    if port.startswith("uart:") and port[5:].isdigit():
        return
    if port.startswith("socket://"):
        host, _, number = port[9:].rpartition(":")
        if host and number.isdigit() and 0 < int(number) < 65536:
            return
    raise ValueError("a port is usb, uart:<number>, /dev/... or socket://host:port")


def open_line(port: str, baud: int, tx_pin: int, rx_pin: int, timeout_ms: int, clock, door=None):
    """Open `port`. baud and pins (None: the board's own) apply to a UART only.

    door: service.Door, which then hears what comes on the USB port.
    """
    if port.startswith("socket://"):
        from countersign_agent.transports import (  # only here: not every board has sockets
            tcp_stream,
        )

        host, _, number = port[9:].rpartition(":")
        return tcp_stream.open_tcp(host, int(number), timeout_ms, clock)
    try:
        if port.startswith("uart:"):
            uart = _uart(int(port[5:]), baud, tx_pin, rx_pin)
            return SerialStream(uart, uart, clock, uart.any)
        if port == USB:
            return UsbStream(clock, door)
        file = open(port, "r+b", buffering=0)
        return SerialStream(file, file, clock)
    except (OSError, ValueError) as error:
        raise TransportError("cannot open the line: " + str(error))


def standard_line(clock):
    """Standard input and output, for who reads there while no transport does."""
    return SerialStream(sys.stdin.buffer, sys.stdout.buffer, clock)


def claim() -> None:
    """Make Ctrl-C an ordinary byte, which interrupts nothing."""
    _keyboard_interrupt(-1)


def release() -> None:
    """Let Ctrl-C interrupt the program again, for a person at the terminal."""
    _keyboard_interrupt(3)


class SerialStream:
    """An open line. available(): bytes that a read gets at once; without it, one at a time."""

    def __init__(self, reader, writer, clock, available=None):
        self._reader = reader
        self._writer = writer
        self._clock = clock
        self._available = available
        self._readable = select.poll()
        self._readable.register(reader, select.POLLIN)
        self._writable = select.poll()
        self._writable.register(writer, select.POLLOUT)

    def read_some(self) -> bytes:
        try:
            if self._available is not None:
                size = self._available()
                return (self._reader.read(min(size, READ_BYTES)) or b"") if size else b""
            # A read on these ports waits until every requested byte is there.
            data = bytearray()
            while len(data) < READ_BYTES and self._readable.poll(0):
                byte = self._reader.read(1)
                if not byte:
                    raise TransportError("the line was closed")
                data += byte
            return bytes(data)
        except OSError as error:
            raise TransportError("line lost: " + str(error))

    def write_all(self, data: bytes, timeout_ms: int) -> None:
        view = memoryview(data)
        deadline_ms = self._clock.now_ms() + timeout_ms
        while len(view):
            left_ms = deadline_ms - self._clock.now_ms()
            if left_ms <= 0:
                raise TransportError("the line takes no data")
            if self._writable.poll(left_ms):
                try:
                    written = self._writer.write(view[:_WRITE_BYTES])
                except OSError as error:
                    raise TransportError("line lost: " + str(error))
                view = view[written or 0 :]

    def wait_readable(self, timeout_ms: int) -> None:
        self._readable.poll(timeout_ms)

    def close(self) -> None:
        close = getattr(self._reader, "deinit", None) or self._reader.close
        try:
            close()
        except OSError:
            pass  # an unplugged line is closed already


class UsbStream(SerialStream):
    """Standard input and output as a line that carries every byte, Ctrl-C included."""

    def __init__(self, clock, door=None):
        super().__init__(sys.stdin.buffer, sys.stdout.buffer, clock)
        self._door = door
        if door is not None:
            door.is_line_taken = True
        claim()

    def read_some(self) -> bytes:
        data = super().read_some()
        if self._door is not None:
            self._door.hear(data)
        return data

    def close(self) -> None:
        """Leave the port open: it is the program's own."""
        if self._door is not None:
            self._door.is_line_taken = False


def _uart(number, baud, tx_pin, rx_pin):
    from machine import UART, Pin  # only here: not every build has it

    pins = {}
    if tx_pin is not None:
        pins = {"tx": Pin(tx_pin), "rx": Pin(rx_pin)}
    return UART(number, baudrate=baud, rxbuf=_UART_BUFFER_BYTES, timeout=0, **pins)


def _keyboard_interrupt(character):
    import micropython  # imported only here: CPython on a host has no such module

    set_character = getattr(micropython, "kbd_intr", None)
    if set_character is not None:
        set_character(character)
