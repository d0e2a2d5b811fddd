"""Many boards, several at a time. A row that fails does not stop the other rows."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from countersign_cli.board_port.service_door import Keeper
from countersign_cli.provisioning.bundle import BundleError
from countersign_cli.provisioning.resume_file import ResumeFile, ResumeFileError
from countersign_cli.provisioning.rows import Row
from countersign_cli.provisioning.session import BoardFault, Look, NotThisBoard, Session
from countersign_cli.provisioning.steps import STEPS, Provisioning, Wishes

_LOOK_AGAIN_S = 0.5
_SETTLE_S = 1.0


class Progress(Protocol):
    """Shows how a run proceeds. Its methods are called from any thread."""

    def step(self, row: str, step: str) -> None:
        """The resume file holds this step of the row."""

    def ended(self, row: str, result: str, why: str) -> None:
        """The row has ended. result: "done", "already done" or "failed". why: of a failure."""

    def say(self, text: str) -> None:
        """A person has to do something; the text says what."""


@dataclass
class Run:
    """A run over many rows. resume_file and wishes apply to all of them.

    parallel: how many ports are worked at a time. swap_s: how many seconds to wait for another
    board at a port that several rows share. keeper: opens the doors of running devices. named: the
    device_id of rows, by the row's name, as a person or an earlier report says. stop: once it is
    set, no further step begins.
    """

    resume_file: ResumeFile
    wishes: Wishes
    progress: Progress
    parallel: int = 4
    swap_s: float = 600.0
    keeper: Keeper = field(default_factory=Keeper)
    named: Mapping[str, str] = field(default_factory=dict)
    stop: threading.Event = field(default_factory=threading.Event)

    def all(self, rows: Sequence[Row]) -> dict[str, str]:
        """Provision the rows. Returns the failed ones: a reason for each name.

        Rows that share a port are provisioned one after another.
        """
        ports: dict[str, list[Row]] = {}
        for row in rows:
            ports.setdefault(row.port, []).append(row)
        failed: dict[str, str] = {}
        with ThreadPoolExecutor(self.parallel) as pool:
            try:
                for faults in pool.map(self._at_port, ports.values()):
                    failed.update(faults)
            except BaseException:
                self.stop.set()
                raise
        return failed

    def _at_port(self, rows: Sequence[Row]) -> dict[str, str]:
        failed: dict[str, str] = {}
        for row in rows:
            if self.stop.is_set():
                failed[row.name] = _NOT_REACHED
                continue
            if self._is_done(row):
                self.progress.ended(row.name, "already done", "")
                continue
            try:
                self._one(row, shared=len(rows) > 1)
            except (BoardFault, BundleError) as fault:
                failed[row.name] = str(fault)
                self.progress.ended(row.name, "failed", str(fault))
            except ResumeFileError as fault:
                # Without a resume file no run could go on from here, so every row stops.
                self.stop.set()
                failed[row.name] = str(fault)
                self.progress.ended(row.name, "failed", str(fault))
            else:
                self.progress.ended(row.name, "done", "")
        return failed

    def _is_done(self, row: Row) -> bool:
        known = self.resume_file.row(row.name)
        if known.get("step") != "done" or known.get("row_digest") != row.digest():
            return False
        if self.wishes.erase_files:
            return False  # only the board knows whether it can read its files
        return not self.wishes.new_identity or known.get("replaced") is not None

    def _one(self, row: Row, shared: bool) -> None:
        session, look = self._connect(row, shared)
        with session:
            Provisioning(
                session, row, self.resume_file, self.wishes, lambda step: self._step(row, step)
            ).run(look)

    def _step(self, row: Row, step: str) -> None:
        self.progress.step(row.name, step)
        if self.stop.is_set() and step != STEPS[-1]:
            raise BoardFault(_NOT_REACHED)

    def _connect(self, row: Row, shared: bool) -> tuple[Session, Look]:
        """Open the row's port, with its board at the prompt.

        At a port that rows share, wait until the board is not the one of an earlier row. Anywhere
        else BoardFault if it is one, unless a person named that device for this row.
        """
        done: list[str] = []
        named = self.named.get(row.name) or self.resume_file.proven_device(row.name)

        def spares(device_id: str) -> bool:
            other = self.resume_file.other(row.name, "device_id", device_id)
            done[:] = [] if other is None else [other]
            return other is not None and device_id != named

        # A device of an earlier row must not be opened: it may erase itself (erase_on_service).
        keeper = replace(self.keeper, device_id=named, spares=spares)
        while True:
            try:
                session = Session(row.port, row.baud, keeper)
            except NotThisBoard as error:
                if not shared:
                    raise BoardFault(
                        f"the board at {row.port} is that of {done[0]}: connect another one; if it "
                        f"is another one, its flash is a copy and has the identity of {done[0]}"
                    ) from error
                self._ask_for_swap(row, done[0])
                continue
            try:
                look = session.look()
                other = self.resume_file.other(row.name, "unique_id", look.unique_id)
                if not (shared and look.unique_id and other):
                    return session, look
                session.reset()  # restart the agent, which gave way to this session
            except BaseException:
                session.close()
                raise
            session.close()
            self._ask_for_swap(row, other)

    def _ask_for_swap(self, row: Row, board: str) -> None:
        self.progress.say(f"{row.name}: take {board} off {row.port} and connect the next board")
        self._wait_for_swap(row.port)

    def _wait_for_swap(self, port: str) -> None:
        """Wait until the port has disappeared and come back."""
        deadline = time.monotonic() + self.swap_s
        for is_there in (False, True):
            while Path(port).exists() is not is_there:
                if self.stop.is_set():
                    raise BoardFault(_NOT_REACHED)
                if time.monotonic() > deadline:
                    raise BoardFault(
                        f"nobody changed the board at {port}: connect the next one, run this again"
                    )
                time.sleep(_LOOK_AGAIN_S)
        time.sleep(_SETTLE_S)


_NOT_REACHED = "not finished: run this again, it goes on here"
