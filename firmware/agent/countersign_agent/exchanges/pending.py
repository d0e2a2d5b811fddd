"""The sent messages that still wait for an answer. The list is in RAM, and the oldest gives way.

An answer counts only if its `subject` is here. A reboot empties the list: the device then ignores
late answers to earlier boots and sends new evidence.
"""

from countersign import messages

# The names of the message types in the log.
_NAMES = {
    messages.ENROL_REQUEST: "enrol_request",
    messages.ENROL_PROOF: "enrol_proof",
    messages.EVIDENCE: "evidence",
}


class Entry:
    """One message sent. subject: its SHA-256. counter: None for an EnrolRequest."""

    def __init__(self, subject: bytes, type: int, counter: int):
        self.subject = subject
        self.type = type
        self.name = _NAMES[type]
        self.counter = counter
        self.result_digest = None  # SHA-256 of the verdict accepted for it


class Pending:
    """At most `capacity` entries."""

    def __init__(self, capacity: int):
        self._capacity = capacity
        self._entries = []  # oldest first: dicts have no order on MicroPython

    def add(self, subject: bytes, type: int, counter: int) -> Entry:
        if len(self._entries) >= self._capacity:
            self._entries.pop(0)
        entry = Entry(subject, type, counter)
        self._entries.append(entry)
        return entry

    def find(self, subject: bytes) -> Entry:
        """The entry, or None."""
        for entry in self._entries:
            if entry.subject == subject:
                return entry
        return None

    def remove(self, entry: Entry) -> None:
        self._entries = [other for other in self._entries if other is not entry]

    def __len__(self) -> int:
        return len(self._entries)
