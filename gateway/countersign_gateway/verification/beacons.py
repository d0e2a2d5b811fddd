"""Beacons prove that evidence is recent, for devices that have no clock.

A beacon is 32 random bytes, published and retained. Evidence must name the current beacon or its
predecessor. It was therefore made after the predecessor was published. The caller passes in the
time since boot that rotates the beacon; this file reads no clock.
"""

from __future__ import annotations

import os
from collections.abc import Callable

BEACON_BYTES = 32
# How late a rotation may be and still be a rotation. Later, the machine was suspended or stood
# still, and the beacon that was current is too old to be the one before.
LATE_S = 5.0


class Beacons:
    """The current beacon and its predecessor. Used by the pipeline's thread and the app's."""

    def __init__(
        self,
        interval_s: float,
        now_s: float,
        random_bytes: Callable[[int], bytes] = os.urandom,
        first_sequence: int = 1,
    ) -> None:
        """first_sequence: should be above those of earlier runs, so that devices accept the new
        beacon at once. A device that holds a higher number recovers through STALE_BEACON."""
        self._interval_s = interval_s
        self._random_bytes = random_bytes
        self._rotated_s = now_s
        self.sequence = first_sequence
        # One tuple, replaced as a whole: a reader on another thread sees beacons of one moment.
        self._accepted: tuple[bytes, ...] = (random_bytes(BEACON_BYTES),)

    @property
    def current(self) -> bytes:
        return self._accepted[0]

    def accepts(self, beacon: bytes) -> bool:
        """True for the current beacon and the one before it."""
        return beacon in self._accepted

    def rotate_if_due(self, now_s: float) -> bool:
        """Make a new beacon if the interval has passed; True if it did.

        No beacon is accepted for longer than two intervals and LATE_S, time in suspend included.
        """
        elapsed_s = now_s - self._rotated_s
        if elapsed_s < self._interval_s:
            return False
        self._rotated_s = now_s
        before = self._accepted[:1] if elapsed_s < self._interval_s + LATE_S else ()
        self._accepted = (self._random_bytes(BEACON_BYTES), *before)
        self.sequence += 1
        return True
