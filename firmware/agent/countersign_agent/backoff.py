"""Waits that grow with each failure. Jitter keeps a site's devices from returning all at once."""


class Backoff:
    """Delays whose ceiling doubles from `least_ms` to `most_ms`; each is drawn from its upper half.

    entropy: an object with `take()` -> 32 bytes.
    """

    def __init__(self, least_ms: int, most_ms: int, entropy):
        self._least_ms = least_ms
        self._most_ms = most_ms
        self._entropy = entropy
        self._ceiling_ms = least_ms

    def next_ms(self) -> int:
        """The next delay. Its ceiling then doubles, up to `most_ms`."""
        ceiling_ms = self._ceiling_ms
        self._ceiling_ms = min(self._most_ms, ceiling_ms * 2)
        half_ms = ceiling_ms // 2
        draw = int.from_bytes(self._entropy.take()[:4], "big")
        return ceiling_ms - half_ms + draw % (half_ms + 1)

    def reset(self) -> None:
        """Call after a success: the next failure starts from `least_ms` again."""
        self._ceiling_ms = self._least_ms
