"""Asks several nodes, and believes what enough of them say.

`agree` of n nodes must give the same answer. With agree > n / 2 no two answers can both have
enough, and fewer than `agree` nodes that lie together cannot make an answer. They can stop the
others only where too few remain: UpstreamDown then.

A node that gives no usable answer rests for a while, as long as enough others remain, so that its
timeouts do not slow every question down. It is checked again before it is believed again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Generic, Protocol, TypeVar

from countersign_gateway.anchoring.ledger import Rejected, UpstreamDown

_REST_S = 15.0


class Checked(Protocol):
    """A node that can be asked whether it is of the right chain."""

    def check(self) -> None:
        """Rejected if it is of another chain."""


N = TypeVar("N", bound=Checked)
T = TypeVar("T")


class Quorum(Generic[N]):
    """For one thread. clock_s: monotonic seconds."""

    def __init__(self, nodes: Sequence[N], agree: int, clock_s: Callable[[], float]) -> None:
        if not 1 <= agree <= len(nodes):
            raise ValueError("agree must be from 1 to the number of nodes")
        self._nodes = list(nodes)
        self._agree = agree
        self._clock_s = clock_s
        self._sound = [False] * len(nodes)
        self._rests_until_s = [0.0] * len(nodes)
        self._failure: UpstreamDown | Rejected | None = None

    def check_again(self) -> None:
        """Check each node before its next answer counts."""
        self._sound = [False] * len(self._nodes)

    def exact(self, question: Callable[[N], T], what: str) -> T:
        """The answer that `agree` nodes give. It must be hashable; `what` names it in an error."""
        votes: Counter[T] = Counter()
        for answer in self._answers(question):
            votes[answer] += 1
            if votes[answer] == self._agree:
                return answer
        raise self._too_few(sum(votes.values()), what)

    def every(self, question: Callable[[N], T], what: str) -> list[T]:
        """The answers of all nodes that answer: `agree` at least."""
        found = list(self._answers(question))
        if len(found) < self._agree:
            raise self._too_few(len(found), what)
        return found

    def any(self, question: Callable[[N], T]) -> Iterator[T]:
        """The answers of all nodes that answer, one by one; perhaps none."""
        return self._answers(question)

    def reached(self, values: Sequence[int]) -> int:
        """The highest number that `agree` of these values reach."""
        return sorted(values, reverse=True)[self._agree - 1]

    def _answers(self, question: Callable[[N], T]) -> Iterator[T]:
        self._failure = None
        now_s = self._clock_s()
        awake = [i for i, until_s in enumerate(self._rests_until_s) if until_s <= now_s]
        asked = awake if len(awake) >= self._agree else range(len(self._nodes))
        for i in asked:
            try:
                if not self._sound[i]:
                    self._nodes[i].check()
                    self._sound[i] = True
                answer = question(self._nodes[i])
            except (UpstreamDown, Rejected) as failure:
                self._failure = self._failure or failure
                self._sound[i] = False
                rest_s = getattr(failure, "retry_after_s", None) or _REST_S
                self._rests_until_s[i] = self._clock_s() + rest_s
                continue
            yield answer

    def _too_few(self, answered: int, what: str) -> Exception:
        if self._failure is not None and answered < self._agree:
            return self._failure
        return UpstreamDown(f"the nodes do not agree on {what}")
