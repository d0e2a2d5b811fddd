"""One serial line, with a thread that opens, reads, writes and reopens it.

pyserial opens and sets up the port (a device path, a pty, or socket://host:port). The thread then
uses its file descriptor, so that one `poll` waits for the line and for new replies. A line that
misbehaves costs the others little: the thread reads it no faster than its speed, the line has at
most 16 messages in the intake, and everything that waits for it is bounded.
"""

from __future__ import annotations

import os
import select
import threading
import time
from collections.abc import Callable
from typing import Any

import serial

from countersign.carriers import kinds
from countersign.carriers.link import Delivery
from countersign_gateway.config import SerialConfig
from countersign_gateway.ingress.reconnecting import Reconnecting
from countersign_gateway.ingress.serial_lines.line_links import ATTENTION_MS, LineLinks
from countersign_gateway.operations.log import EventLog

READ_BYTES = 4096
BACKOFF_S = (0.2, 5.0)
# Results go stale: if this many messages wait, the device is better served by asking again.
MAX_WAITING_FOR_VERDICTS = 16
NOISE_INTERVAL_S = 10.0
# A line that cannot send them drops them: a device asks again.
_VERDICTS = (kinds.RESULT.frame, kinds.ERROR.frame)

# Takes a received message. Its receiver passes it to `acknowledge` when it has handled it.
Deliver = Callable[["SerialLine", Delivery], None]


class SerialLine:
    """Call `start`, then `send`, `send_newest` and `acknowledge` from any thread, then `stop`."""

    def __init__(self, config: SerialConfig, deliver: Deliver, log: EventLog) -> None:
        self.url = config.url
        self._baud = config.baud
        self._deliver = deliver
        self._log = log
        self._link = LineLinks(config.baud)
        self._lock = threading.Lock()  # for the link
        self._is_open = False
        self._noise = 0
        self._noise_told_s = float("-inf")
        self._heard_before_ms: Any = None  # when the link last heard a frame before now
        self._reconnecting = Reconnecting(f"serial {self.url}", self, BACKOFF_S)

    def start(self) -> None:
        self._reconnecting.start()

    def stop(self) -> None:
        """Close the line and end the thread. Messages not acknowledged will come again."""
        self._reconnecting.stop(10)

    def send(self, kind: int, device_id: bytes, payload: bytes) -> bool:
        """Keep a reply until the device has acknowledged it; False if it was not taken.

        A line that is closed, or has too much waiting for this device, takes no results or errors.
        """
        with self._lock:
            if kind in _VERDICTS and (
                not self._is_open or self._link.waiting_for(device_id) >= MAX_WAITING_FOR_VERDICTS
            ):
                return False
            return bool(self._link.send(kind, device_id, payload))

    def send_newest(self, kind: int, payload: bytes) -> None:
        """Keep a message for all devices on the line, in place of its predecessor."""
        with self._lock:
            self._link.send_newest(kind, payload)

    def acknowledge(self, delivery: Delivery) -> None:
        with self._lock:
            self._link.acknowledge(delivery)

    def wake(self) -> None:
        """Make the thread send kept replies and acknowledgements."""
        self._reconnecting.wake()

    # The line's own thread -------------------------------------------------------------------

    def serve(self) -> None:
        """Carry the line from its opening to its loss: see Reconnecting."""
        self._heard_before_ms = self._link.heard_ms
        port = self._open()
        try:
            self._log.event("line_opened", url=self.url)
            self._carry(port.fileno())
        finally:
            self._is_open = False
            port.close()

    def has_worked(self) -> bool:
        return bool(self._link.heard_ms != self._heard_before_ms)

    def note_lost(self, error: OSError) -> None:  # serial.SerialException derives from OSError
        self._log.event("line_lost", url=self.url, error=type(error).__name__)

    def note_fault(self, error: Exception) -> None:
        self._log.fault("line_fault", error, url=self.url)

    def _open(self) -> Any:
        port: Any = serial.serial_for_url(self.url, self._baud, timeout=0, do_not_open=True)
        if not self.url.startswith("socket://"):
            port.exclusive = True  # two readers would each get half of every frame
        else:
            # On a socket, pyserial reads until no bytes are left, which may never happen.
            port.reset_input_buffer = lambda: None
        port.open()
        os.set_blocking(port.fileno(), False)
        return port

    def _carry(self, line: int) -> None:
        """Carry bytes until the line is lost (OSError) or `stop` is called."""
        with self._lock:
            self._link.reconnected(_now_ms())
        opened_ms = _now_ms()
        self._is_open = True
        pace = _Pace(self._baud / 8)
        poller = select.poll()
        pipe = self._reconnecting.pipe
        poller.register(pipe.fileno(), select.POLLIN)
        unsent = b""
        while not self._reconnecting.stopping:
            speaking = self._is_attended(opened_ms)
            if speaking or unsent:
                unsent = self._write(line, unsent)
            with self._lock:
                due_ms = 1000
                if speaking and not unsent:
                    due_ms = self._link.due_ms(_now_ms(), due_ms)
            pause_ms = pace.pause_ms()
            interest = 0 if pause_ms else select.POLLIN
            poller.register(line, interest | (select.POLLOUT if unsent else 0))
            ready = dict(poller.poll(min(due_ms, pause_ms) if pause_ms else due_ms))
            if pipe.fileno() in ready:
                pipe.drain()
            if ready.get(line, 0) & ~select.POLLOUT and not pause_ms:
                data = os.read(line, READ_BYTES)
                if not data:
                    raise ConnectionError("closed by the other side")
                pace.spend(len(data))
                self._take(data)
            elif ready.get(line, 0) & (select.POLLERR | select.POLLHUP | select.POLLNVAL):
                raise ConnectionError("gone")

    def _is_attended(self, opened_ms: int) -> bool:
        """Whether this connection has lately received a frame of the protocol.

        Otherwise an interpreter's prompt may be at the far end, and would take frames as input.
        """
        heard_ms: Any = self._link.heard_ms
        return heard_ms is not None and heard_ms >= max(opened_ms, _now_ms() - ATTENTION_MS)

    def _write(self, line: int, unsent: bytes) -> bytes:
        """Write due frames as far as the line takes them. Returns the rest of a partial frame."""
        while True:
            if not unsent:
                with self._lock:
                    unsent = self._link.next_frame(_now_ms())
                if not unsent:
                    return b""
            try:
                unsent = unsent[os.write(line, unsent) :]
            except BlockingIOError:
                return unsent
            if unsent:
                return unsent

    def _take(self, data: bytes) -> None:
        with self._lock:
            self._link.receive(data, _now_ms())
            arrived = list(iter(self._link.take, None))
        self._tell_noise()
        for delivery in arrived:
            self._deliver(self, delivery)

    def _tell_noise(self) -> None:
        noise = self._link.damaged - self._noise
        now_s = time.monotonic()
        if noise and now_s - self._noise_told_s >= NOISE_INTERVAL_S:
            self._log.event("line_noise", url=self.url, pieces=noise)
            self._noise += noise
            self._noise_told_s = now_s


class _Pace:
    """Limits a socket in place of a line to the line's speed; a real line has that limit."""

    def __init__(self, bytes_per_s: float) -> None:
        self._bytes_per_s = bytes_per_s
        self._left = float(4 * READ_BYTES)
        self._filled_s = time.monotonic()

    def spend(self, size: int) -> None:
        self._left -= size

    def pause_ms(self) -> int:
        """The time in ms during which not to read; 0 if reading is allowed."""
        now_s = time.monotonic()
        earned = (now_s - self._filled_s) * self._bytes_per_s
        self._left = min(float(4 * READ_BYTES), self._left + earned)
        self._filled_s = now_s
        return 0 if self._left > 0 else int(-self._left / self._bytes_per_s * 1000) + 1


def _now_ms() -> int:
    return time.monotonic_ns() // 1_000_000
