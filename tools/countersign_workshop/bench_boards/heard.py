"""What an emulated board said on its serial port, and what it did to its flash meanwhile.

`Heard` is fed either while the board runs, with this machine's time, or from the record that an
emulated RP2040 makes of itself. The record has the board's own time, and figures come from it.
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
"""The least that a flash chip such as the W25Q16JV erases at once."""

# The agent reports these events only when something is amiss (countersign_agent/report.py).
_TROUBLES = ("cannot_start", "reconnecting", "refused", "stopped", "timed_out")


class NotAsSaid(Exception):
    """The board sent no evidence, or evidence that lacks a reading."""


@dataclass(frozen=True)
class CheckIn:
    """One piece of evidence as it left the board. heap_free: bytes, after a collection."""

    counter: int
    heap_free: int
    at_ms: float


@dataclass(frozen=True)
class Erase:
    """An erased sector of flash. after: how many check-ins had begun to leave the board by then."""

    sector: int
    after: int


class Heard:
    """check_ins: each counter once, even if the link sent its frame again. verified_ms: when the
    agent reported each verdict that allows. troubles: how often the agent reported each event of
    trouble; "denied" counts the verdicts that do not allow."""

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
        """Take bytes that the board said, in pieces of any size. at_ms: when they came."""
        self._now_ms = at_ms
        self._text.feed(data)
        for frame in self._frames.feed(data):
            if frame.kind == kinds.EVIDENCE.frame:
                self._evidence(frame.payload)

    def erased(self, offset: int, count: int) -> None:
        """Note that this range of flash, in whole sectors, was erased."""
        for sector in range(offset // SECTOR_BYTES, (offset + count) // SECTOR_BYTES):
            self.erases.append(Erase(sector, len(self.check_ins)))

    def _evidence(self, payload: bytes) -> None:
        fields = messages.open_message(payload).fields
        counter, readings = fields["counter"], fields["readings"]
        if self.check_ins and counter <= self.check_ins[-1].counter:
            return  # the link sent it again
        if "heap_free" not in readings:
            raise NotAsSaid("the board's evidence has no reading heap_free")
        self.check_ins.append(CheckIn(counter, readings["heap_free"], self._now_ms))

    def _line(self, text: str) -> None:
        try:
            event = json.loads(text)
        except ValueError:
            return  # the prompt's answer, or a traceback
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
            pass  # a program broke in, for instance to start a script
        elif name in _TROUBLES:
            self.troubles[name] += 1


def replay(timeline: Path) -> Heard:
    """What the record of one power-on of an emulated RP2040 holds (`Rp2040(timeline=…)`)."""
    with timeline.open(encoding="ascii") as lines:
        return replayed(lines)


def replayed(lines: Iterable[str]) -> Heard:
    """As `replay`, from the record's lines."""
    heard = Heard()
    for line in lines:
        event = json.loads(line)
        if event.get("on") == "usb":
            heard.feed(bytes.fromhex(event["said"]), event["ms"])
        elif "erase" in event:
            heard.erased(event["offset"], event["erase"])
    return heard
