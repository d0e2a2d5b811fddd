"""Who has sent nothing but garbage lately.

Such a sender has a small share of the intake. What is beyond the share costs the gateway a tenth of
what reading it would cost, and nobody waits behind it while a worker reads it. One message that
verifies ends the ill repute.
"""

from __future__ import annotations

IN_A_ROW = 64
MAX_SENDERS = 4096


class Repute:
    """`note` is for the pipeline's thread, `ill` for any."""

    def __init__(self) -> None:
        self._in_a_row: dict[bytes | str, int] = {}  # refusals; the longest remembered comes first

    def note(self, sender: bytes | str, verified: bool) -> None:
        """verified: whether the sender made the message, and made it anew."""
        refused = self._in_a_row
        if verified:
            if refused:
                refused.pop(sender, None)
            return
        count = refused.get(sender, 0)
        if count < IN_A_ROW:
            refused[sender] = count + 1
            if len(refused) > MAX_SENDERS:
                del refused[next(iter(refused))]

    def ill(self, sender: bytes | str) -> bool:
        """Whether the last IN_A_ROW messages of the sender were all refused."""
        return self._in_a_row.get(sender, 0) >= IN_A_ROW

    def __len__(self) -> int:
        return len(self._in_a_row)
