"""The resume file: a line for each step of each board, so that a killed run can go on.

Each line is on the disk before the next step begins. It carries a digest of itself and of the line
before it, so that a file that was edited or damaged is noticed. Only the end of the last line may
be missing: a kill or a power cut leaves such a line, and it is cut off.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import threading
from pathlib import Path
from typing import Any

from countersign_cli.mendable import Mendable

_FORMAT = 1
_DIGEST_DIGITS = 32
_ENDS_IDENTITY = ("replacing", "erasing")


class ResumeFileError(Mendable):
    """The file cannot be used. The text is one sentence with what to do next."""


class ResumeFile:
    """The file is open, for one process alone, from construction until `close`.

    `append` may be called from any thread. path: made if absent; None keeps everything in memory
    only.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._last = ""
        self._rows: dict[str, dict[str, Any]] = {}
        self._descriptor = -1
        if path is None:
            return
        try:
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as fault:
            raise ResumeFileError(f"{path} cannot be opened: {fault.strerror}") from None
        try:
            self._begin(path)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> ResumeFile:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def row(self, name: str) -> dict[str, Any]:
        """All that is known of a row: the facts of its steps, where later ones replace earlier
        ones.

        `step` is the last step, and `steps` lists all of them in order. Empty if no step was done
        yet.
        """
        with self._lock:
            return dict(self._rows.get(name, {}))

    def other(self, row: str, fact: str, value: str) -> str | None:
        """The name of another row that has this value for this fact, such as the same device_id."""
        with self._lock:
            return self._other(row, fact, value)

    def proven_device(self, name: str) -> str | None:
        """The device_id of a row, in hexadecimal, if that device proved that it holds its key.

        Before the proof a device_id is only what some board said.
        """
        known = self.row(name)
        steps: list[str] = known.get("steps", [])
        ended = [at for at, step in enumerate(steps) if step in _ENDS_IDENTITY]
        if "proven" not in steps[ended[-1] if ended else 0 :]:
            return None
        device_id: str | None = known.get("device_id")
        return device_id

    def append(self, row: str, step: str, **facts: Any) -> None:
        """Record a step, durable when this returns. facts: JSON values, none secret."""
        entry = {"row": row, "step": step, **facts}
        with self._lock:
            if self._path is not None:
                self._write(entry)
            self._take(entry)

    def claim(self, row: str, unique_id: str, **facts: Any) -> str | None:
        """Record the step "begun", or return the name of another row that has the board."""
        with self._lock:
            other = self._other(row, "unique_id", unique_id) if unique_id else None
            if other is not None:
                return other
            entry = {"row": row, "step": "begun", "unique_id": unique_id, **facts}
            if self._path is not None:
                self._write(entry)
            self._take(entry)
        return None

    def _other(self, row: str, fact: str, value: str) -> str | None:
        for name, known in self._rows.items():
            if name != row and known.get(fact) == value:
                return name
        return None

    def _begin(self, path: Path) -> None:
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ResumeFileError(
                f"another run works with {path}: wait until it has ended"
            ) from None
        with os.fdopen(os.dup(self._descriptor), "rb") as file:
            data = file.read()
        whole = data[: data.rfind(b"\n") + 1]
        for number, line in enumerate(whole.splitlines(), 1):
            self._read(path, number, line)
        if len(whole) < len(data):
            os.ftruncate(self._descriptor, len(whole))
        os.lseek(self._descriptor, 0, os.SEEK_END)
        if not whole:
            self._write({"journal": _FORMAT})
            folder = os.open(path.parent, os.O_RDONLY)
            os.fsync(folder)
            os.close(folder)

    def _read(self, path: Path, number: int, line: bytes) -> None:
        digest, _, text = line.decode("utf-8", "replace").partition(" ")
        if digest != _digest(self._last, text):
            raise ResumeFileError(
                f"{path} is damaged at line {number}: restore it from a copy, or move it away and "
                "run again (each board keeps the identity that it has)"
            )
        entry = json.loads(text)
        self._last = digest
        if number == 1:
            if entry.get("journal") != _FORMAT:
                raise ResumeFileError(
                    f"{path} is the journal of another release: finish it with that"
                )
            return
        self._take(entry)

    def _write(self, entry: dict[str, Any]) -> None:
        text = json.dumps(entry, sort_keys=True)
        digest = _digest(self._last, text)
        view = memoryview(f"{digest} {text}\n".encode())
        try:
            while view:
                view = view[os.write(self._descriptor, view) :]
            os.fsync(self._descriptor)
        except OSError as fault:
            raise ResumeFileError(
                f"{self._path} cannot be written ({fault.strerror}): nothing more is done; make "
                "room, then run this again"
            ) from None
        self._last = digest

    def _take(self, entry: dict[str, Any]) -> None:
        known = self._rows.setdefault(entry["row"], {"steps": []})
        if entry["step"] == "released":
            # The row begins anew, on any board. The file keeps the earlier lines.
            self._rows[entry["row"]] = {"steps": []}
            return
        steps = [*known["steps"], entry["step"]]
        known.update(entry)
        known["steps"] = steps


def _digest(last: str, text: str) -> str:
    return hashlib.sha256(f"{last} {text}".encode()).hexdigest()[:_DIGEST_DIGITS]
