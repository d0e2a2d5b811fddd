"""How long the flash lasts, computed from the erases that were observed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from countersign_workshop.bench_boards.heard import Erase

RATED_CYCLES = 100_000
"""How many erases of one sector the flash of a Raspberry Pi Pico (W25Q16JV) is rated for."""

CHECK_INS_A_YEAR = 365.25 * 24 * 60
"""At one check-in a minute."""


@dataclass(frozen=True)
class Wear:
    """erases: how many sectors were erased during `check_ins` check-ins. sectors: how many
    different ones. worst: the erases of the sector that was erased most."""

    check_ins: int
    erases: int
    sectors: int
    worst: int

    @property
    def erases_per_check_in(self) -> float:
        return self.erases / self.check_ins

    @property
    def years_if_one_sector(self) -> float | None:
        """The years that the flash lasts at one check-in a minute if every erase hits the same
        sector. None if nothing was erased."""
        return self._years(self.erases)

    @property
    def years_of_worst_sector(self) -> float | None:
        """The years that the most erased sector lasts if it is erased at the same rate."""
        return self._years(self.worst)

    def _years(self, erases: int) -> float | None:
        if not erases:
            return None
        return RATED_CYCLES * self.check_ins / erases / CHECK_INS_A_YEAR


def between(erases: Sequence[Erase], first: int, last: int) -> Wear:
    """The wear of the check-ins after number `first` up to number `last`, counted from one.

    A check-in's erases happen before the check-in leaves the board.
    """
    sectors = Counter(erase.sector for erase in erases if first <= erase.after < last)
    return Wear(last - first, sectors.total(), len(sectors), max(sectors.values(), default=0))
