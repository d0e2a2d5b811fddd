"""Randomness that repeats, in place of a platform's entropy."""

import hashlib


class Noise:
    """Repeatable random bytes from a seed, and a tick counter that moves."""

    def __init__(self, seed=b"noise"):
        self._state = seed
        self._ticks = 0

    def urandom(self, size):
        self._state = hashlib.sha256(self._state).digest()
        return self._state[:size]

    def take(self):
        return self.urandom(32)

    def ticks_us(self):
        self._ticks += 17
        return self._ticks
