"""Counts of this run, for people and for the demonstration. No decision depends on them.

One thread writes each field, or several under one lock, so that no count is lost.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Tally:
    # Written by the pipeline's thread.
    received: int = 0
    groups: int = 0
    largest_group: int = 0
    challenged: int = 0
    enrolled: int = 0
    verified: int = 0
    degraded_verified: int = 0
    denied: int = 0
    refused: dict[str, int] = field(default_factory=dict)  # by reason name: a closed set
    # Written by the MQTT transport's thread.
    shed: int = 0
    oversized: int = 0
    # Written by the serial lines' threads, under one lock.
    serial_shed: int = 0
    serial_oversized: int = 0
    serial_unsent: int = 0
    # Written by each thread that sends by MQTT, under that ingress's lock.
    unsent: int = 0

    def note_group(self, size: int) -> None:
        self.received += size
        self.groups += 1
        self.largest_group = max(self.largest_group, size)

    def note_verdict(self, event: str, degraded: bool) -> None:
        """event: "enrolled", "evidence_verified" or "denied"."""
        if event == "enrolled":
            self.enrolled += 1
        elif event == "denied":
            self.denied += 1
        else:
            self.verified += 1
            self.degraded_verified += degraded

    def refuse(self, reason_name: str) -> None:
        self.refused[reason_name] = self.refused.get(reason_name, 0) + 1
