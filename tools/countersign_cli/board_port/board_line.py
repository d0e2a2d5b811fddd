"""A byte line to a board: its serial port, a pty, or a socket that stands for one.

`RawRepl` speaks over anything that has the three methods of `Line`. pyserial opens what people name
as a port (`open_port`). An emulator hands over a connected socket, and `SocketLine` wraps it.
"""

from __future__ import annotations

import errno
import os
import select
import socket
import time
from pathlib import Path
from typing import Protocol

import serial

from countersign_cli.mendable import Mendable

POLL_S = 0.2
BAUD = 115200
_READ_BYTES = 65536
_SOCKET = "socket://"


class LineEnded(Exception):
    """The line has ended: it was unplugged, the other end closed it, or it failed."""


class PortError(Mendable):
    """A port cannot be opened. The text is one sentence with what to do next."""


class Line(Protocol):
    """Bytes in both directions.

    Each call waits POLL_S at most, and raises LineEnded once the line has ended.
    """

    def read_some(self) -> bytes:
        """The bytes that came; empty if none did."""

    def write_some(self, data: memoryview) -> int:
        """How many of the bytes the line took."""

    def close(self) -> None:
        """Let go of the line. A second call does nothing."""


class SocketLine:
    """A connected socket. Closing the line closes the socket."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._socket.settimeout(POLL_S)

    def read_some(self) -> bytes:
        try:
            received = self._socket.recv(_READ_BYTES)
        except TimeoutError:
            return b""
        except OSError as fault:
            raise LineEnded(str(fault)) from fault
        if not received:
            raise LineEnded("the board closed the connection")
        return received

    def write_some(self, data: memoryview) -> int:
        try:
            return self._socket.send(data)
        except TimeoutError:
            return 0
        except OSError as fault:
            raise LineEnded(str(fault)) from fault

    def close(self) -> None:
        self._socket.close()


class SerialLine:
    """A port that pyserial opened.

    This class polls the port's descriptor itself, because not all of pyserial's own calls notice
    that a port was unplugged while they worked.
    """

    def __init__(self, port: serial.SerialBase) -> None:
        self._port = port
        self._descriptor = port.fileno()

    def read_some(self) -> bytes:
        if not self._wait(select.POLLIN):
            return b""
        try:
            received = os.read(self._descriptor, _READ_BYTES)
        except BlockingIOError:
            return b""
        except OSError as fault:
            raise LineEnded(os.strerror(fault.errno or errno.EIO)) from fault
        if not received:
            raise LineEnded("the port closed")
        return received

    def write_some(self, data: memoryview) -> int:
        if not self._wait(select.POLLOUT):
            return 0
        try:
            return os.write(self._descriptor, data)
        except BlockingIOError:
            return 0
        except OSError as fault:
            raise LineEnded(os.strerror(fault.errno or errno.EIO)) from fault

    def close(self) -> None:
        self._port.close()

    def _wait(self, event: int) -> bool:
        waiting = select.poll()
        waiting.register(self._descriptor, event)
        return bool(waiting.poll(POLL_S * 1000))


def check_name(port: str) -> None:
    """PortError if `port` is neither a device path nor socket://host:port."""
    if port.startswith(_SOCKET):
        host, _, number = port[len(_SOCKET) :].rpartition(":")
        if host and number.isdigit() and 0 < int(number) < 65536:
            return
    elif port.startswith("/"):
        return
    raise PortError(f"{port!r} is no port: write /dev/ttyACM0 or socket://host:port")


def open_port(port: str, baud: int = BAUD) -> SerialLine:
    """Open a port that no other process may open meanwhile.

    Raises PortError, whose text says what to do.
    """
    check_name(port)
    try:
        return SerialLine(serial.serial_for_url(port, baudrate=baud, exclusive=True))
    except (serial.SerialException, OSError) as fault:
        raise PortError(_reason(port, fault)) from fault


def touch(port: str, hold_s: float = 0.2) -> None:
    """Open the port at 1200 baud and close it, which asks a board's USB port for its boot loader.

    PortError if the port cannot be opened.
    """
    check_name(port)
    try:
        with serial.serial_for_url(port, baudrate=1200, exclusive=True) as opened:
            opened.dtr = False
            time.sleep(hold_s)
    except serial.SerialException as fault:
        raise PortError(_reason(port, fault)) from fault
    except OSError:
        # The board disappeared while it was being asked to, which is what the caller wanted.
        return


def _reason(port: str, fault: Exception) -> str:
    number = getattr(fault, "errno", None)
    if number in (errno.EAGAIN, errno.EBUSY):
        return f"{port} is busy{_holders(port)}: end that program, then run this again"
    if number in (errno.ENOENT, errno.ENODEV, errno.ENXIO):
        return f"{port} is not there: plug the board in, or look for its name in /dev/serial/by-id"
    if number in (errno.EACCES, errno.EPERM):
        return f"you may not open {port}: sudo adduser $USER dialout, then log in again"
    if port.startswith(_SOCKET):
        return f"nothing listens at {port}: start the emulated board, or mend the port's name"
    return f"{port} cannot be opened ({' '.join(str(fault).split())}): plug the board in again"


def _holders(port: str) -> str:
    """ " (held by …)" with this user's programs that have the port open; empty if none is seen."""
    wanted = os.path.realpath(port)
    holders = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            open_files = [os.readlink(file) for file in (process / "fd").iterdir()]
            name = (process / "comm").read_text(encoding="utf-8").strip()
        except OSError:
            continue  # another user's process, or one that has just ended
        if wanted in open_files and int(process.name) != os.getpid():
            holders.append(f"{name}, process {process.name}")
    return f" (held by {'; '.join(sorted(holders))})" if holders else ""
