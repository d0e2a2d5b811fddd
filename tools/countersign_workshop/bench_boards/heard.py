"""What an emulated board said on its serial port, and did to its flash meanwhile.

Fed while the board runs (with this machine's time), or from the record that an emulated RP2040 made
of itself (with the board's own time, which is what its figures are made of).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from countersign import messages
from countersign.carriers import framing, kinds
from countersign_workshop.emulation.emulated_board.line_tap import TextBetweenFrames

SECTOR_BYTES = 4096
"""What a flash chip such as the W25Q16JV erases at once at the least."""

# What the agent says only when something is amiss (countersign_agent/report.py).
_TROUBLES = ("cannot_start", "reconnecting", "refused", "stopped", "timed_out")


class NotAsSaid(Exception):
    """What a board sent is no evidence, or not all that it has to hold."""


@dataclass(frozen=True)
class CheckIn:
    """One piece of evidence as it left the board. heap_free: bytes, after a collection."""

    counter: int
    heap_free: int
    at_ms: float


@dataclass(frozen=True)
class Erase:
    """One sector of flash erased. after: how many check-ins had begun to leave the board before."""

    sector: int
    after: int


class Heard:
    """check_ins: each counter once, however often its frame was sent. verified_ms: when the agent
    reported each verdict that allows. troubles: how often it said what it says of trouble, and
    "denied" for verdicts that do not allow."""

    def __init__(self) -> None:
        self.check_ins: list[CheckIn] = []
        self.verified_ms: list[float] = []
        self.erases: list[Erase] = []
        self.started_ms: float | None = None
        self.troubles: Counter[str] = Counter()
        self._frames = framing.FrameReader()
        self._text = TextBetweenFrames(self._line)
        self._now_ms = 0.0

    def feed(self, data: bytes, at_ms: float) -> None:
        """Bytes that the board said, in any pieces."""
        self._now_ms = at_ms
        self._text.feed(data)
        for frame in self._frames.feed(data):
            if frame.kind == kinds.EVIDENCE.frame:
                self._evidence(frame.payload)

    def erased(self, offset: int, count: int) -> None:
        """Bytes of flash that were erased, whole sectors."""
        for sector in range(offset // SECTOR_BYTES, (offset + count) // SECTOR_BYTES):
            self.erases.append(Erase(sector, len(self.check_ins)))

    def _evidence(self, payload: bytes) -> None:
        fields = messages.open_message(payload).fields
        counter, readings = fields["counter"], fields["readings"]
        if self.check_ins and counter <= self.check_ins[-1].counter:
            return  # sent again by the link
        if "heap_free" not in readings:
            raise NotAsSaid("the board's evidence has no reading heap_free")
        self.check_ins.append(CheckIn(counter, readings["heap_free"], self._now_ms))

    def _line(self, text: str) -> None:
        try:
            event = json.loads(text)
        except ValueError:
            return  # the prompt's, or a traceback's
        if not isinstance(event, dict):
            return
        name = event.get("event")
        if name == "started":
            self.started_ms = self._now_ms
        elif name == "verdict" and event["message"] == "evidence":
            if event["allow"]:
                self.verified_ms.append(self._now_ms)
            else:
                self.troubles["denied"] += 1
        elif name == "stopped" and event["reason"] == "INTERRUPTED":
            pass  # somebody has broken in, as whoever starts another script does
        elif name in _TROUBLES:
            self.troubles[name] += 1


def replay(timeline: Path) -> Heard:
    """From the record of one power-on of an emulated RP2040 (`Rp2040(timeline=…)`)."""
    with timeline.open(encoding="ascii") as lines:
        return replayed(lines)


def replayed(lines: Iterable[str]) -> Heard:
    """The same from the record's lines."""
    heard = Heard()
    for line in lines:
        event = json.loads(line)
        if event.get("on") == "usb":
            heard.feed(bytes.fromhex(event["said"]), event["ms"])
        elif "erase" in event:
            heard.erased(event["offset"], event["erase"])
    return heard
