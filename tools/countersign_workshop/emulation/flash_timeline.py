"""What an emulated board did to its flash and what it said, in the order in which it happened.

One recorded run gives the flash as it was in the middle of any of its operations, and everything
that had left the board by then. A power cut at every operation therefore needs no run of its own.
The checks afterwards are exact even where the run had a gateway on the other side.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

FLASH_BYTES = 2 * 1024 * 1024

NOTHING, HALF, ALMOST, NOISE = "nothing", "half", "almost", "noise"
TORN_MODES = (NOTHING, HALF, ALMOST, NOISE)
"""What an operation leaves behind if the power is cut in it.

NOTHING: no change. HALF: its first half. ALMOST: all but its last byte. NOISE: its first half, and
the rest half-charged.
"""


@dataclass(frozen=True)
class Operation:
    """One erase (data is None) or program operation. offset, count: of the bytes in flash.

    said: for each outlet, how many bytes had left the board before.
    """

    offset: int
    count: int
    data: bytes | None
    said: dict[str, int] = field(default_factory=dict)

    def apply(self, flash: bytearray, torn: str | None = None) -> None:
        """Perform the operation on `flash`, completely or torn."""
        sound = {None: self.count, NOTHING: 0, ALMOST: self.count - 1}.get(torn, self.count // 2)
        self._change(flash, 0, sound, 0)
        if torn == NOISE:
            # A half-charged cell may read as either value.
            noise = bytes((37 * index + 11) & 0xFF for index in range(sound, self.count))
            self._change(flash, sound, self.count, int.from_bytes(noise, "big"))

    def _change(self, flash: bytearray, begin: int, end: int, missed: int) -> None:
        """Change the operation's bytes from `begin` to `end`, but not the bits of `missed`."""
        ones = (1 << 8 * (end - begin)) - 1
        place = slice(self.offset + begin, self.offset + end)
        old = int.from_bytes(flash[place], "big")
        if self.data is None:  # erasing sets bits
            new = old | ones & ~missed
        else:  # programming clears them
            new = old & (int.from_bytes(self.data[begin:end], "big") | missed)
        flash[place] = new.to_bytes(end - begin, "big")


class Timeline:
    """The recorded life of one board: what `Rp2040(timeline=…)` wrote to `path`."""

    def __init__(self, path: Path) -> None:
        self.operations: list[Operation] = []
        self._said: dict[str, bytearray] = {}
        for line in path.read_text(encoding="ascii").splitlines():
            event = json.loads(line)
            if "said" in event:
                self._said.setdefault(event["on"], bytearray()).extend(bytes.fromhex(event["said"]))
                continue
            data = bytes.fromhex(event["program"]) if "program" in event else None
            count = event["erase"] if data is None else len(data)
            said = {outlet: len(bytes_said) for outlet, bytes_said in self._said.items()}
            self.operations.append(Operation(event["offset"], count, data, said))

    @property
    def erases(self) -> int:
        """How many of the operations are erases."""
        return sum(operation.data is None for operation in self.operations)

    def flash_at(self, first: bytes, cut: int, torn: str) -> bytearray:
        """The flash after a power cut within operation number `cut`. first: the flash before all of
        them.

        If cut is the number of operations, nothing was cut.
        """
        flash = bytearray(first)
        for operation in self.operations[:cut]:
            operation.apply(flash)
        if cut < len(self.operations):
            self.operations[cut].apply(flash, torn)
        return flash

    def said_before(self, cut: int, outlet: str = "usb") -> bytes:
        """All that had left the board by that outlet when operation number `cut` began."""
        said = bytes(self._said.get(outlet, b""))
        if cut >= len(self.operations):
            return said
        return said[: self.operations[cut].said.get(outlet, 0)]
