"""Tells from the broker's log which account subscribed to more than its own topics.

Mosquitto neither bounds the filters of a client nor restricts them, and a filter of 190 levels
costs it some 150 kB. It says each one, with the name of the client, which is that of the account.
"""

from __future__ import annotations

import re

from countersign.carriers import kinds, topics

# The only line that begins with a client's words: name, QoS, filter. It holds no line break, and
# what is too long for the line is cut off.
_SUBSCRIBED = re.compile(r"(?:\d+: )?([!-~]+) [012] (.*)", re.DOTALL)


class FilterWatch:
    """spared: accounts of the site's operator, which may subscribe to anything."""

    def __init__(self, site: str, spared: frozenset[str]) -> None:
        self._beacon = topics.beacon(site)
        self._site = site
        self._spared = spared
        downlinks = [kind.name for kind in kinds.ALL if kind.direction == kinds.DOWN]
        self._ends = [f"{kinds.DOWN}/{name}" for name in ("+", *downlinks)]

    def subscription(self, line: str) -> tuple[str, str] | None:
        """(account, filter) if the line tells of a subscription."""
        found = _SUBSCRIBED.fullmatch(line)
        return None if found is None else (found[1], found[2])

    def allows(self, account: str, wanted: str) -> bool:
        """Whether the account may ask for this filter. The ones of a device are a handful."""
        if account in self._spared or wanted == self._beacon:
            return True
        return any(wanted == topics.of_account(self._site, account, end) for end in self._ends)
