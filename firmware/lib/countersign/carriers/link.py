"""One side of a link: at-least-once delivery, in order, over a line that loses and garbles bytes.

Both sides run the same code. It has no thread, clock or I/O: it takes bytes and times, gives bytes.

A sender numbers its messages within a *session*, a number that it has not used before on this
line, and keeps each until the receiver acknowledges it. `behind` in a frame is how many of the
messages just before it the sender still keeps. So `sequence - behind` is the oldest message that
may still come, and no handshake is needed. A receiver that does not know the session begins at that
oldest message. A receiver that sees it move on knows that no message in between will come.

A receiver hands the messages of a session on in order, each once until it restarts; sessions do not
wait for one another. Its user decides when it acknowledges: a gateway when the message is durable,
a device when it has dealt with it. The receiver ignores a repeated message before that, and
acknowledges it again after that.

Anybody on the line can make frames, so a frame that claims a place far ahead must not make the
receiver pass over what comes next. The receiver follows *strands*: places of a session at which it
goes on. A frame that fits none of them begins a new one and leaves the others as they are.

Memory is bounded: WINDOW messages of a session in work, `most_unsettled` in all, `most_strands`,
`most_queued` waiting, one frame being read.
"""

from countersign.carriers import framing
from countersign.suites import MAX_MESSAGE_BYTES

WINDOW = 4
RESEND_LEAST_MS = 1500
RESEND_MOST_MS = 12000
_MOST_CONTROLS = 4 * WINDOW


class Delivery:
    """A message that came in. Pass it to `Link.acknowledge` when it is dealt with."""

    def __init__(self, frame):
        self.kind = frame.kind
        self.device_id = frame.device_id
        self.payload = frame.payload
        self.session = frame.session
        self.sequence = frame.sequence


class _Outgoing:
    def __init__(self, kind, device_id, payload):
        self.kind = kind
        self.device_id = device_id
        self.payload = payload
        self.sequence = None
        self.first_sent_ms = None
        self.due_ms = 0
        self.tries = 0


class Link:
    """session: see above, at most framing.SESSION_MAX. accepts: the kinds the other side sends.

    bits_per_s: the line's speed, which decides how long an answer may take.
    most_queued: how many messages may wait for the window; `send` refuses more.
    most_strands, most_unsettled: see above; more than one sender on the line needs more of both.
    most_message: the longest message to take in; see framing.FrameReader.
    """

    def __init__(
        self,
        session: int,
        accepts,
        bits_per_s: int,
        most_queued: int,
        most_strands: int = 4,
        most_unsettled: int = WINDOW,
        most_message: int = MAX_MESSAGE_BYTES,
    ):
        self._session = session
        self._accepts = accepts
        self._bits_per_s = bits_per_s
        self._most_queued = most_queued
        self._most_strands = most_strands
        self._most_unsettled = most_unsettled
        self._reader = framing.FrameReader(most_message)
        self._queue = []  # not in the window yet, oldest first
        self._window = []  # sent or to be sent, not acknowledged, oldest first
        self._sequence = 0  # of the next message that enters the window
        self._controls = []  # frames to write before all others
        self._arrived = []  # deliveries not yet taken
        self._unsettled = []  # (session, sequence) delivered and not acknowledged
        self._strands = []  # [session, sequence expected next], the one used last at the end
        self._ping = 0
        self.ponged = None  # number of the last ping that was answered
        self.heard_ms = None  # when the last whole frame of the other side came

    @property
    def damaged(self) -> int:
        """How many stretches of bytes between delimiters were not a frame."""
        return self._reader.damaged

    @property
    def waiting(self) -> int:
        """How many messages the other side has not acknowledged, sent or not."""
        return len(self._queue) + len(self._window)

    def reconnected(self, now_ms: int) -> None:
        """Call when the line was opened anew: forget half frames, send all unacknowledged again."""
        self._reader.forget()
        self._controls = []
        for entry in self._window:
            entry.first_sent_ms = None
            entry.due_ms = now_ms
            entry.tries = 0

    def send(self, kind: int, device_id: bytes, payload: bytes) -> bool:
        """Keep a message until it is acknowledged; False if there is no room for it.

        ValueError if no frame of this kind carries it: it would block all that is sent after it.
        """
        framing.check_body(kind, device_id, payload)
        if len(self._queue) >= self._most_queued:
            return False
        self._queue.append(_Outgoing(kind, device_id, payload))
        return True

    def send_newest(self, kind: int, payload: bytes) -> None:
        """As `send`, but replace a waiting message of the same kind: only the newest matters."""
        self._queue = [entry for entry in self._queue if entry.kind != kind]
        # If nobody listens, the window holds nothing else. Further back there must be no gap.
        while self._window and self._window[0].kind == kind:
            self._window.pop(0)
        self._queue.append(_Outgoing(kind, b"", payload))

    def displace(self) -> None:
        """Drop the oldest message that is kept, if there is one."""
        (self._window or self._queue or [None]).pop(0)

    def ping(self) -> int:
        """Ask whether the other side is there. Its answer sets `ponged` to the number returned."""
        self._ping += 1
        self._control(framing.Frame(framing.PING, self._session, self._ping))
        return self._ping

    def receive(self, data: bytes, now_ms: int, device_id: bytes = b"") -> None:
        """Take in what the line delivered. The caller then calls `take` until it gives None.

        device_id: pass over what is for another device, unacknowledged; b"": take in everything.
        """
        for frame in self._reader.feed(data):
            if frame.device_id in (device_id, b"") or not device_id:
                self.hear(frame, now_ms)

    def hear(self, frame: framing.Frame, now_ms: int) -> None:
        """As `receive`, for a caller with a reader of its own."""
        if frame.kind in self._accepts:
            self.heard_ms = now_ms
            self._incoming(frame)
        elif frame.kind == framing.PING:
            # A line may echo: a side must not take its own ping for the other side's.
            if frame.session != self._session:
                self.heard_ms = now_ms
                self._control(framing.Frame(framing.PONG, frame.session, frame.sequence))
                self.hurry(now_ms)
        elif frame.session == self._session:
            self._answered(frame, now_ms)

    def take(self) -> Delivery:
        """The next message of the other side, or None."""
        return self._arrived.pop(0) if self._arrived else None

    def acknowledge(self, delivery: Delivery) -> None:
        """Tell the other side that it may forget this message."""
        name = (delivery.session, delivery.sequence)
        if name in self._unsettled:
            self._unsettled.remove(name)
            self._control(framing.Frame(framing.ACK, name[0], name[1]))

    def next_frame(self, now_ms: int) -> bytes:
        """Bytes to write now, whole and before any others, or b"" if nothing is due."""
        if self._controls:
            return framing.encode(self._controls.pop(0))
        self._fill_window()
        for entry in self._window:
            if entry.tries == 0 or entry.due_ms <= now_ms:
                return self._written(entry, now_ms)
        return b""

    def due_ms(self, now_ms: int, most_ms: int) -> int:
        """Time until a frame is due, at most `most_ms`, unless a message comes or is sent first."""
        self._fill_window()
        if self._controls:
            return 0
        for entry in self._window:
            most_ms = min(most_ms, 0 if entry.tries == 0 else entry.due_ms - now_ms)
        return max(0, most_ms)

    def unanswered_ms(self, now_ms: int) -> int:
        """How long the oldest message has waited for its acknowledgement on this connection."""
        if not self._window or self._window[0].first_sent_ms is None:
            return 0
        return now_ms - self._window[0].first_sent_ms

    def hurry(self, now_ms: int) -> None:
        """The other side has come (back), so repeat at once what it may have missed."""
        for entry in self._window:
            if entry.tries > 1:
                entry.tries = 1
                entry.due_ms = now_ms

    def _answered(self, frame, now_ms):
        if frame.kind == framing.ACK:
            self.heard_ms = now_ms
            self._window = [e for e in self._window if e.sequence != frame.sequence]
        elif frame.kind == framing.PONG:
            self.heard_ms = now_ms
            self.ponged = frame.sequence

    def _incoming(self, frame):
        session, sequence = frame.session, frame.sequence
        if (session, sequence) in self._unsettled:
            return
        oldest = max(0, sequence - frame.behind)
        place, passed = None, False
        for strand in self._strands:
            if strand[0] == session:
                ahead = sequence - strand[1]
                if ahead == 0:
                    place = strand
                    break
                if ahead > 0 and oldest <= strand[1]:
                    place = strand
                elif -WINDOW <= ahead < 0:
                    passed = True
        if place is None:
            if passed:
                self._control(framing.Frame(framing.ACK, session, sequence))
                return
            place = [session, oldest]
            self._strands.append(place)
            if len(self._strands) > self._most_strands:
                self._strands.pop(0)
        if place[1] == sequence and self._may_work_on(session):
            place[1] += 1
            # Strands of this session that this one has caught up with are no longer needed.
            self._strands = [s for s in self._strands if s[0] != session or s[1] > place[1]]
            self._strands.append(place)
            self._unsettled.append((session, sequence))
            self._arrived.append(Delivery(frame))
        # Otherwise an earlier message was lost, or too many are in work. It will come again.

    def _may_work_on(self, session):
        own = len([name for name in self._unsettled if name[0] == session])
        return own < WINDOW and len(self._unsettled) < self._most_unsettled

    def _control(self, frame):
        # Above this bound the other side floods the line, and it will ask again.
        if len(self._controls) < _MOST_CONTROLS:
            self._controls.append(frame)

    def _fill_window(self):
        while self._queue and self._has_room():
            entry = self._queue.pop(0)
            entry.sequence = self._sequence
            self._sequence += 1
            self._window.append(entry)

    def _has_room(self):
        return not self._window or self._sequence - self._window[0].sequence < WINDOW

    def _written(self, entry, now_ms):
        behind = entry.sequence - self._window[0].sequence
        data = framing.encode(
            framing.Frame(
                entry.kind, self._session, entry.sequence, behind, entry.device_id, entry.payload
            )
        )
        if entry.first_sent_ms is None:
            entry.first_sent_ms = now_ms
        # The line's own time for a full window each way, and then some patience.
        travel_ms = 2 * WINDOW * len(data) * 10000 // self._bits_per_s
        patience_ms = min(RESEND_LEAST_MS << min(entry.tries, 8), RESEND_MOST_MS)
        entry.due_ms = now_ms + travel_ms + patience_ms
        entry.tries += 1
        return data
