"""Limits how often the gateway sends an Error: one token bucket for each topic, and one for all.

The table of buckets is bounded. Dropping a bucket refills it, so only the shared bucket limits an
attacker who writes to many topics. A device can therefore not rely on getting an Error.

Errors to senders of each standing have buckets of their own, so that garbage in a device's name
does not use up the Errors that the device itself needs.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable

from countersign_gateway.model import Standing

# The same message again is not answered before this time: replays of one draw no tokens.
AGAIN_AFTER_S = 10.0


class Throttle:
    """Safe from any thread. clock_s: monotonic seconds; `*_per_s`: tokens a second."""

    def __init__(
        self,
        clock_s: Callable[[], float],
        *,
        each_per_s: float = 1.0,
        each_burst: float = 5.0,
        all_per_s: float = 200.0,
        all_burst: float = 400.0,
        max_keys: int = 4096,
    ) -> None:
        self._clock_s = clock_s
        self._each_per_s = each_per_s
        self._each_burst = each_burst
        self._all_per_s = all_per_s
        self._all_burst = all_burst
        self._max_keys = max_keys
        self._lock = threading.Lock()
        self._all = (all_burst, clock_s())
        # key → (tokens, when), least recently used first.
        self._each: OrderedDict[bytes, tuple[float, float]] = OrderedDict()

    def allow(self, key: bytes) -> bool:
        """Whether one more error may go to `key` now. If so, it takes a token of each bucket."""
        with self._lock:
            now_s = self._clock_s()
            all_tokens = _refilled(self._all, now_s, self._all_per_s, self._all_burst)
            full = (self._each_burst, now_s)
            bucket = self._each.get(key, full)
            tokens = _refilled(bucket, now_s, self._each_per_s, self._each_burst)
            allowed = tokens >= 1 and all_tokens >= 1
            spent = 1 if allowed else 0
            self._all = (all_tokens - spent, now_s)
            self._each[key] = (tokens - spent, now_s)
            self._each.move_to_end(key)
            if len(self._each) > self._max_keys:
                self._each.popitem(last=False)
            return allowed

    def __len__(self) -> int:
        return len(self._each)


class ErrorBudget:
    """A throttle for each standing, with limits as Throttle has them. Safe from any thread."""

    def __init__(
        self,
        clock_s: Callable[[], float],
        *,
        each_per_s: float = 1.0,
        each_burst: float = 5.0,
        all_per_s: float = 200.0,
        all_burst: float = 400.0,
        again_after_s: float = AGAIN_AFTER_S,
    ) -> None:
        self._throttles = {
            standing: Throttle(
                clock_s,
                each_per_s=each_per_s,
                each_burst=each_burst,
                all_per_s=all_per_s,
                all_burst=all_burst,
            )
            for standing in Standing
        }
        self._answered = Throttle(
            clock_s, each_per_s=1 / again_after_s, each_burst=1.0, all_per_s=1e9, all_burst=1e9
        )

    def allow(self, standing: Standing, device_id: bytes, subject: bytes) -> bool:
        """Whether the message with this digest may be answered by an Error now."""
        if standing is not Standing.UNVERIFIED and not self._answered.allow(subject):
            return False
        return self._throttles[standing].allow(device_id)

    def __len__(self) -> int:
        """The number of buckets."""
        return len(self._answered) + sum(len(one) for one in self._throttles.values())


def _refilled(bucket: tuple[float, float], now_s: float, per_s: float, burst: float) -> float:
    tokens, filled_s = bucket
    return min(burst, tokens + (now_s - filled_s) * per_s)
