"""Beacons: the gateway's answer to "when?" for devices that have no clock.

A beacon is 32 random bytes, published and retained. Evidence must name the current one or the one
before it, so it was made after the earlier of the two was published. Rotation follows a monotonic
clock that is passed in; nothing here reads a clock.
"""

from __future__ import annotations

import os
from collections.abc import Callable

BEACON_BYTES = 32


class Beacons:
    """The current beacon and its predecessor. Used by the pipeline's thread and the app's."""

    def __init__(
        self,
        interval_s: float,
        now_s: float,
        random_bytes: Callable[[int], bytes] = os.urandom,
        first_sequence: int = 1,
    ) -> None:
        """first_sequence: should be above those of earlier runs, so that devices take the new
        beacon at once; one that holds a higher number recovers through STALE_BEACON."""
        self._interval_s = interval_s
        self._random_bytes = random_bytes
        self._rotated_s = now_s
        self.sequence = first_sequence
        # One tuple, replaced whole: a reader on another thread sees both beacons of one moment.
        self._accepted: tuple[bytes, ...] = (random_bytes(BEACON_BYTES),)

    @property
    def current(self) -> bytes:
        return self._accepted[0]

    def accepts(self, beacon: bytes) -> bool:
        """True for the current beacon and the one before it."""
        return beacon in self._accepted

    def rotate_if_due(self, now_s: float) -> bool:
        """Make a new beacon if the interval has passed; True if it did."""
        if now_s - self._rotated_s < self._interval_s:
            return False
        self._rotated_s = now_s
        self._accepted = (self._random_bytes(BEACON_BYTES), self._accepted[0])
        self.sequence += 1
        return True
