"""One board at the other end of its port: its description, its files, and its agent's answers.

Every failure is a BoardFault: one sentence with what to do next. steps.py decides in which order a
board is written.
"""

from __future__ import annotations

import base64
import errno
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from countersign_cli.board_port import board_line, service_door
from countersign_cli.board_port.raw_repl import BoardGone, RawRepl, ReplError, ScriptFailed
from countersign_cli.board_port.service_door import Keeper
from countersign_cli.mendable import Mendable
from countersign_cli.provisioning import bundle, scripts

ANSWER_S = 20.0
_SCRIPT_S = 30.0
# The slowest device makes its key in plain Python on an emulated board.
_DEVICE_S = 180.0
# The slowest flash needs this long for some hundred sectors.
_ERASE_S = 300.0
_PROMPT = ">>> "
_CHUNK_BYTES = 768
_OS_ERROR = re.compile(r"OSError: (?:\[Errno (\d+)\]|(-?\d+))")
# A file system that has lost something answers with these; LittleFS's "corrupted" is among them.
_DAMAGE = {errno.EIO, errno.EILSEQ, errno.EBADF, errno.ENOTDIR}
_FULL = errno.ENOSPC


class BoardFault(Mendable):
    """A board cannot be provisioned as it is. The text is one sentence with what to do next."""


class NotThisBoard(BoardFault):
    """The board is one that was to be left alone. It still runs its agent."""


class KeyStoreFault(BoardFault):
    """The board's stored identity is damaged."""


@dataclass(frozen=True)
class Look:
    """What a board says of itself before anything is changed.

    hardware_id: the bytes of its unique id. foreign_main: it has a main.py that is not ours.
    config: the SHA-256 of its configuration, in hexadecimal; None without one. configured: the
    device id in that configuration, if it holds one. agent_file: the path from which its agent is
    imported; None without one. fat: its files are on a FAT file system. has_files: it could mount
    its files. can_erase: its firmware is ours, which leaves unreadable files alone and can make new
    ones.
    """

    machine: str
    micropython: str
    mpy: int
    hardware_id: bytes
    foreign_main: bool
    config: str | None
    configured: str | None
    agent_file: str | None
    agent_version: str | None
    native_file: str | None
    fat: bool
    has_files: bool
    can_erase: bool

    @property
    def unique_id(self) -> str:
        """hardware_id in hexadecimal; empty if all its bytes are equal and identify nothing."""
        return self.hardware_id.hex() if len(set(self.hardware_id)) > 1 else ""

    @property
    def frozen(self) -> bool:
        return self.agent_file is not None and not self.agent_file.startswith(bundle.LIBRARY)

    @property
    def native_built_in(self) -> bool:
        file = self.native_file
        return file is not None and not file.startswith(bundle.LIBRARY)


class Session:
    """An open port with a board at its prompt. Use it in a `with` statement."""

    def __init__(
        self, port: str, baud: int, keeper: Keeper | None = None, answer_s: float = ANSWER_S
    ) -> None:
        self.port = port
        self._keeper = keeper or Keeper()
        self._baud = baud
        self._running = False
        try:
            self._repl = RawRepl(self._open(), self._check, paste=True)
        except board_line.PortError as fault:
            raise BoardFault(str(fault)) from None
        try:
            self._restart(answer_s)
        except BaseException:
            self._repl.close()
            raise

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the port. The board stays as it is."""
        self._repl.close()

    def look(self) -> Look:
        """What the board says of itself."""
        found = self._ask(scripts.LOOK)
        first_line = found["main"]
        return Look(
            machine=str(found["machine"]),
            micropython=str(found["micropython"]),
            mpy=int(found["mpy"]),
            hardware_id=bytes.fromhex(found["unique_id"]),
            foreign_main=first_line not in (None, bundle.MAIN_MARK.encode().hex()),
            config=found["config"],
            configured=None if found["configured"] is None else str(found["configured"]),
            agent_file=found["agent_file"],
            agent_version=found["agent_version"],
            native_file=found["native_file"],
            fat=any("Fat" in kind and place == "/" for kind, place in found["file_systems"]),
            has_files=bool(found["has_files"]),
            can_erase=bool(found["can_erase"]),
        )

    def differing(self, files: Mapping[str, bytes]) -> dict[str, bytes]:
        """The given files that the board lacks or has with other content."""
        paths = list(files)
        different = {}
        for at in range(0, len(paths), 16):
            some = paths[at : at + 16]
            for path, digest in zip(
                some, self._ask(scripts.DIGESTS.format(paths=some)), strict=True
            ):
                if digest != _sha256(files[path]):
                    different[path] = files[path]
        return different

    def files(self, folder: str) -> list[str]:
        """The paths of everything under a folder of the board; a folder's own ends with a slash and
        comes after what is in it. Empty if there is no such folder."""
        return [str(path) for path in self._ask(scripts.FILES.format(folder=folder))]

    def write(self, path: str, content: bytes) -> None:
        """Replace a file as a whole. The old one stays until the new one is verified."""
        self._run(f"_begin({path!r})")
        for at in range(0, len(content), _CHUNK_BYTES):
            text = base64.b64encode(content[at : at + _CHUNK_BYTES]).decode()
            self._run(f"_write('{text}')")
        self._run(f"_commit({path!r}, '{_sha256(content)}')")

    def remove(self, path: str) -> None:
        """Remove the file, or the empty folder if the path ends with a slash, if there is one."""
        self._run(scripts.REMOVE.format(path=path))

    def rename(self, old: str, new: str) -> str:
        """Move a file over another. Returns the SHA-256 of the file at `new`, in hexadecimal."""
        return str(self._ask(scripts.RENAME.format(old=old, new=new)))

    def settle(self) -> None:
        """Make LittleFS's older state of the root hold the present files (scripts.SETTLE)."""
        self._run(scripts.SETTLE)

    def abandon_identity(self) -> None:
        """Remove the whole identity. The agent's next start makes a new one."""
        self._run(scripts.ABANDON.format(folder=bundle.STORAGE_FOLDER))

    def erase_files(self) -> None:
        """Erase the flash of files that the board cannot read, and make an empty file system."""
        self._run(scripts.ERASE_FILES, _ERASE_S)
        self.restart()

    def device(self, call: str) -> dict[str, Any]:
        """Call a function of the board's countersign_agent.provisioning and return its answer.

        BoardFault with the device's own words if it refuses; KeyStoreFault if its key store is
        damaged.
        """
        answer: dict[str, Any] = self._ask(scripts.DEVICE.format(call=call), _DEVICE_S)
        if "fault" in answer:
            raise _refusal(str(answer["fault"]), str(answer["why"]))
        return answer

    def restart(self) -> None:
        """Start a new virtual machine on the board, so that imported modules are imported again."""
        self._restart(ANSWER_S)

    def reset(self) -> None:
        """Restart the board as its power does, main.py included. The session has then ended."""
        try:
            self._repl.start(scripts.RESET)
            # Closing a port drops bytes that have not left it yet, so this waits. A board that was
            # reset says nothing.
            self._repl.drain(1.0)
        except ReplError:
            return  # the board was gone before the wait began

    def _open(self) -> board_line.Line:
        return board_line.open_port(self.port, self._baud)

    def _restart(self, answer_s: float) -> None:
        try:
            service_door.enter(self._repl, self.port, self._keeper, self._open, answer_s)
            self._repl.soft_reset(answer_s)
            self._repl.run(scripts.TOOLS, answer_s)
        except BoardGone as fault:
            raise self._gone(fault) from None
        except service_door.NotThisOne as fault:
            raise NotThisBoard(str(fault)) from None
        except (service_door.DoorShut, board_line.PortError) as fault:
            raise BoardFault(str(fault)) from None
        except ReplError:
            raise BoardFault(
                f"no MicroPython answers at {self.port}: press the board's reset button and run "
                "this again; if it never ran MicroPython, countersign flash it first"
            ) from None
        except ScriptFailed as failed:
            raise BoardFault(_explained(failed)) from None

    def _check(self, _ended: bool) -> None:
        # A running script shows no prompt. A prompt means that the board restarted meanwhile.
        if self._running and self._repl.unread().endswith(_PROMPT):
            raise BoardFault(
                f"the board at {self.port} restarted in the middle: look at its power and its "
                "cable, then run this again; it goes on where it stopped"
            )

    def _ask(self, script: str, timeout_s: float = _SCRIPT_S) -> Any:
        output = self._run(script, timeout_s)
        try:
            return json.loads(output.splitlines()[-1])
        except (ValueError, IndexError):
            raise BoardFault(
                f"the board at {self.port} answers nonsense: press its reset button, check the "
                "cable, and run this again"
            ) from None

    def _run(self, script: str, timeout_s: float = _SCRIPT_S) -> str:
        self._running = True
        try:
            return self._repl.run(script, timeout_s)
        except BoardGone as fault:
            raise self._gone(fault) from None
        except ReplError:
            raise BoardFault(
                f"the board at {self.port} stopped answering: press its reset button and run this "
                "again; it goes on where it stopped"
            ) from None
        except ScriptFailed as failed:
            raise BoardFault(_explained(failed)) from None
        finally:
            self._running = False

    def _gone(self, fault: BoardGone) -> BoardFault:
        return BoardFault(
            f"the board at {self.port} is gone ({fault}): plug it in and run this again; it goes "
            "on where it stopped"
        )


def _refusal(kind: str, why: str) -> BoardFault:
    if kind in ("KeyStoreDamaged", "RecordDamaged"):
        return KeyStoreFault(
            f"the board's key store is damaged ({why}) and was left as it is: revoke the device if "
            "it was enrolled, then run this with --new-identity --abandon and the board's unique id"
        )
    if kind == "EntropyError":
        return BoardFault(f"the board has no usable randomness ({why}): no key may be made on it")
    if kind == "ConfigError":
        return BoardFault(f"the agent on the board refuses the configuration: {why}; correct it")
    return BoardFault(
        f"the board's storage fails ({why}): run this again; if it fails again, make its files "
        "anew with countersign flash --erase-files, which ends its identity"
    )


def _explained(failed: ScriptFailed) -> str:
    last = str(failed).splitlines()[-1] if str(failed) else "no traceback"
    found = _OS_ERROR.search(last)
    number = abs(int(found[1] or found[2])) if found else None
    if number == _FULL:
        return "the board's file system is full: delete what is not ours on it, then run this again"
    if number in _DAMAGE:
        return (
            f"the board's file system is damaged ({last}): nothing more was written; "
            "countersign flash --erase-files makes it anew, and ends its identity"
        )
    if last.startswith("MemoryError"):
        return "the board ran out of memory: press its reset button, then run this again"
    return f"the board refuses a step ({last}): press its reset button, then run this again"


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
