"""Whether free memory stays where it is over a long run."""

from __future__ import annotations

from collections.abc import Sequence

LEAST_BYTES = -1024
"""A run is flat if the line through its samples falls by no more than this over the whole run.

A leak of one block of the heap (16 bytes) in each hundredth check-in is 1,600 bytes in 10,000.
"""


def warm_up(samples: int) -> int:
    """How many of the first check-ins to leave out.

    The agent remembers up to 64 messages for their receipts, so its memory fills until then.
    """
    return min(samples // 2, max(100, samples // 100))


def rise(samples: Sequence[float]) -> float:
    """How much the least-squares line through equally spaced samples rises from the first sample to
    the last. Below zero if it falls. ValueError for fewer than two samples."""
    count = len(samples)
    if count < 2:
        raise ValueError("a trend needs two samples")
    middle = (count - 1) / 2
    mean = sum(samples) / count
    covariance = sum((at - middle) * (value - mean) for at, value in enumerate(samples))
    variance = sum((at - middle) ** 2 for at in range(count))
    return covariance / variance * (count - 1)
