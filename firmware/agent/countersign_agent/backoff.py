"""Waiting longer after each failure, with jitter, so that a site does not come back as one."""


class Backoff:
    """Delays that double from `least_ms` to `most_ms`; each is drawn from its upper half.

    entropy: an object with `take()` -> 32 bytes.
    """

    def __init__(self, least_ms: int, most_ms: int, entropy):
        self._least_ms = least_ms
        self._most_ms = most_ms
        self._entropy = entropy
        self._ceiling_ms = least_ms

    def next_ms(self) -> int:
        """How long to wait now. The next answer is longer, up to the most."""
        ceiling_ms = self._ceiling_ms
        self._ceiling_ms = min(self._most_ms, ceiling_ms * 2)
        half_ms = ceiling_ms // 2
        draw = int.from_bytes(self._entropy.take()[:4], "big")
        return ceiling_ms - half_ms + draw % (half_ms + 1)

    def reset(self) -> None:
        """After a success: the next failure starts from the least again."""
        self._ceiling_ms = self._least_ms
