"""How a run proceeds: bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import threading
from contextlib import AbstractContextManager, nullcontext

from countersign_cli.provisioning.steps import STEPS
from countersign_gateway.operations.plain_text import printable_lines


class Lines:
    """A line for each event, for logs and pipes."""

    def shown(self) -> AbstractContextManager[object]:
        """The run is shown while this context is entered."""
        return nullcontext()

    def step(self, row: str, step: str) -> None:
        if step != STEPS[-1]:
            print(f"{row}: {step}", flush=True)

    def ended(self, row: str, result: str, why: str) -> None:
        if why:
            print(printable_lines(f"{row}: {result}: {why}"), file=sys.stderr, flush=True)
        else:
            print(f"{row}: {result}", flush=True)

    def say(self, text: str) -> None:
        print(printable_lines(text), flush=True)


class Bar:
    """A bar for all boards, and a bar for each board that is being written."""

    def __init__(self, boards: int) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

        self._lock = threading.Lock()
        self._progress = Progress(
            TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn()
        )
        self._all = self._progress.add_task("boards", total=boards)
        self._rows: dict[str, object] = {}

    def shown(self) -> AbstractContextManager[object]:
        return self._progress

    def step(self, row: str, step: str) -> None:
        with self._lock:
            if row not in self._rows:
                self._rows[row] = self._progress.add_task(row, total=len(STEPS))
            done = STEPS.index(step) + 1 if step in STEPS else None
            self._progress.update(
                self._rows[row],  # type: ignore[arg-type]
                description=f"{row}: {step}",
                completed=done,
            )

    def ended(self, row: str, result: str, why: str) -> None:
        with self._lock:
            task = self._rows.pop(row, None)
            if task is not None:
                self._progress.remove_task(task)  # type: ignore[arg-type]
            self._progress.advance(self._all)
        self.say(f"{row}: {result}" + (f": {why}" if why else ""))

    def say(self, text: str) -> None:
        self._progress.console.print(printable_lines(text), markup=False, highlight=False)


def for_terminal(boards: int) -> Lines | Bar:
    """Bars if standard output is a terminal, else lines."""
    return Bar(boards) if sys.stdout.isatty() else Lines()
