"""The steps that make a board a device, in an order that makes each of them safe to repeat.

    begun       the row has claimed the board, and what the board had is on record
    erasing     only on request, if its files cannot be read: they are being made anew
    quiet       only if an installed agent is to change: it has no configuration and cannot start
    installed   library, agent and native engine are there, unless its firmware has them
    described   what the device has is on record: version, engine, identity
    replacing   only on request: the identity that it had is being ended
    custody     only if the owner is to hold the next key: its file is made
    entropy     32 bytes from this machine are in the pool that the key is made from
    identity    the board has made or kept its identity, and the public half is on record
    configured  the configuration is on the board, under a name that the agent does not read
    proven      the board has signed our challenge with the key, for this board and configuration
    done        the configuration has its name, and the agent was started

After a kill or a power cut between any two steps, the board either starts no agent or is complete.
The device's own key store makes the identity, and only where there never was one. The steps are one
file, however long, because their order is what makes them safe.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from countersign import identity
from countersign.proofs import schnorr
from countersign_cli import installation
from countersign_cli.board_catalogue import board_kinds
from countersign_cli.provisioning import bundle
from countersign_cli.provisioning.next_key import Custody
from countersign_cli.provisioning.resume_file import ResumeFile
from countersign_cli.provisioning.rows import Row
from countersign_cli.provisioning.session import BoardFault, KeyStoreFault, Look, Session

STEPS = ("begun", "installed", "described", "entropy", "identity", "configured", "proven", "done")
_STAGED = bundle.CONFIG_PATH + ".new"


@dataclass(frozen=True)
class Wishes:
    """What the user asked for, beyond the rows.

    new_identity: end the identity that a board has. erase_files: make files anew that a board
    cannot read. abandon: device ids or unique ids (lower case hexadecimal) for which the user
    confirmed that. custody: where the owner keeps next keys, or None to have the board make its
    own. pure_engine: do not install the native engine. start: start the agent at the
    end.
    """

    new_identity: bool = False
    erase_files: bool = False
    pure_engine: bool = False
    start: bool = True
    abandon: frozenset[str] = frozenset()
    custody: Custody | None = None


class Provisioning:
    """Takes one board to "done", from whatever state an earlier run left.

    on_step: called with each step's name once the step is on record.
    """

    def __init__(
        self,
        session: Session,
        row: Row,
        resume_file: ResumeFile,
        wishes: Wishes,
        on_step: Callable[[str], None],
    ) -> None:
        self._session = session
        self._row = row
        self._resume_file = resume_file
        self._wishes = wishes
        self._on_step = on_step

    def run(self, look: Look) -> None:
        """Do all steps on the board. look: what it said of itself. BoardFault if a step fails."""
        check(self._row, look)
        if not look.has_files:
            check_erasing(look, self._wishes)
        self._begin(look)
        if not look.has_files:
            look = self._erase()
        self._install(look)
        next_key_digest = self._next_key_digest(self._describe(look))
        entropy = secrets.token_bytes(32)
        taken = self._device(f"contribute({bundle.STORAGE_FOLDER!r}, {entropy!r})")["taken"]
        self._record("entropy", host_entropy=bool(taken or self._known("host_entropy")))
        own = self._introduce(next_key_digest)
        config = self._row.config_of(own["device_id"], board_kinds.service_pin(look.machine))
        self._session.write(_STAGED, config)
        self._record("configured")
        self._prove(own, look, config)
        self._record("proven")
        self._activate(config)
        if self._wishes.start:
            # The agent starts before "done" is on record: nobody should have to start a board that
            # is done.
            self._session.reset()
        self._record("done")

    def _begin(self, look: Look) -> None:
        before = self._known("unique_id")
        if before and look.unique_id != before:
            raise BoardFault(
                f"{self._row.name} was begun on board {before} and {look.unique_id or 'another'} "
                f"is at {self._row.port}: connect the first one, or give --release "
                f"{self._row.name} to begin on this one"
            )
        other = self._resume_file.claim(
            self._row.name,
            look.unique_id,
            port=self._row.port,
            board=self._row.board,
            machine=look.machine,
            micropython=look.micropython,
            row_digest=self._row.digest(),
        )
        if other is not None:
            raise BoardFault(
                f"the board at {self._row.port} is that of {other}: connect another one, or "
                "correct the port"
            )
        self._on_step("begun")

    def _erase(self) -> Look:
        """Replace unreadable files by an empty file system. Returns a new look at the board."""
        self._record("erasing", replaced=self._known("device_id") or _UNREADABLE, device_id=None)
        self._session.erase_files()
        look = self._session.look()
        if not look.has_files:
            raise BoardFault("the board's flash does not take files: it is failing, put it aside")
        return look

    def _install(self, look: Look) -> None:
        session = self._session
        wanted: dict[str, bytes] = {}
        strangers: list[str] = []
        if not look.frozen:
            wanted.update(bundle.modules())
            # A folder beside a module of its name would be imported in its place.
            known = {*wanted, *(f"{folder}/" for path in wanted for folder in _above(path))}
            strangers = [
                path
                for package in bundle.PACKAGES
                for path in session.files(f"{bundle.LIBRARY}/{package}")
                if path not in known
            ]
        if not look.native_built_in and not self._wishes.pure_engine:
            engine = bundle.native_module(look.mpy)
            if engine is not None:
                wanted[bundle.NATIVE_PATH] = engine
        different = session.differing({**wanted, bundle.MAIN_PATH: bundle.MAIN, **self._row.files})
        if (different or strangers) and look.config is not None:
            # Agents of two versions must not mix, so an agent that is to change must not start.
            session.remove(bundle.CONFIG_PATH)
            self._record("quiet")
        for path in strangers:
            session.remove(path)
        for path, content in different.items():
            session.write(path, content)
        if different or strangers:
            session.restart()
        self._record("installed", firmware="frozen" if look.frozen else "installed")

    def _describe(self, look: Look) -> bool:
        """Record what the device is, and end its old identity if the user asked for that.

        Returns whether it has an identity now.
        """
        describe = f"describe({bundle.STORAGE_FOLDER!r})"
        try:
            found = self._device(describe)
            old, enrolled = found["device_id"], bool(found["enrolled"])
            if look.configured not in (None, old):
                raise KeyStoreFault(_ANOTHER.format(is_now=old or "none", was=look.configured))
        except KeyStoreFault:
            if not self._wishes.new_identity:
                raise
            old, enrolled = _DAMAGED, True
        # An identity that replaced the old one in an earlier run stays.
        if self._wishes.new_identity and old and self._known("replaced") in (None, old):
            if enrolled and not self._wishes.abandon & {old, look.hardware_id.hex()}:
                raise BoardFault(
                    f"{self._row.name} is enrolled as {old}: a new identity ends that for good; "
                    "countersign device revoke at its gateway, then add --abandon "
                    + (look.hardware_id.hex() if old is _DAMAGED else old)
                )
            self._record("replacing", replaced=old, device_id=None, owner_next_key=None)
            self._session.remove(bundle.CONFIG_PATH)
            self._session.abandon_identity()
            self._session.restart()
            found = self._device(describe)
        first = self._known("had_identity")
        self._record(
            "described",
            agent_version=found["version"],
            engine=found["engine"],
            engine_fault=found["engine_fault"],
            emulated=found["emulated"],
            had_identity=(old or "") if first is None else first,
        )
        return found["device_id"] is not None

    def _next_key_digest(self, has_identity: bool) -> bytes | None:
        """The digest of the owner's next key for an identity that the board is about to make."""
        custody = self._wishes.custody
        if custody is None or has_identity:
            return None
        known = self._known("owner_next_key")
        if known and custody.holds(self._row.name, bytes.fromhex(known)):
            return bytes.fromhex(known)
        digest = custody.make(self._row.name)
        self._record("custody", owner_next_key=digest.hex())
        return digest

    def _check_custody(self, own: dict[str, bytes]) -> None:
        """BoardFault unless the owner holds the next key, where that is asked for."""
        custody = self._wishes.custody
        if custody is not None and not custody.holds(self._row.name, own["next_key_digest"]):
            raise BoardFault(
                f"{self._row.name} has an identity whose next key is not in {custody.folder}: name "
                "the folder that has it, or give the board another identity with --new-identity"
            )

    def _introduce(self, next_key_digest: bytes | None) -> dict[str, bytes]:
        answer = self._device(f"introduce({bundle.STORAGE_FOLDER!r}, {next_key_digest!r})")
        own = {name: _bytes(answer, name, 32) for name in _PUBLIC}
        if own["device_id"] != identity.device_id(identity.SUITE_SECP256K1, own["public_key"]):
            raise BoardFault(_NOT_ITSELF)
        device_id = own["device_id"].hex()
        known = self._known("device_id")
        if known not in (None, device_id):
            raise BoardFault(
                f"the board was {known} and is {device_id} now: somebody gave it another identity; "
                f"to accept that, give --release {self._row.name}"
            )
        other = self._resume_file.other(self._row.name, "device_id", device_id)
        if other is not None:
            raise BoardFault(
                f"the board has the identity of {other}: it is the same board, or its flash is a "
                f"copy; connect another one, or run this with --new-identity --abandon {device_id}"
            )
        if self._known("replaced"):
            origin = "replaced"
        else:
            origin = "kept" if self._known("had_identity") == device_id else "made"
        self._check_custody(own)
        held = {"next_key_with": "owner" if answer["owner_has_next_key"] else "board"}
        self._record(
            "identity", origin=origin, **held, **{name: own[name].hex() for name in _PUBLIC}
        )
        return own

    def _prove(self, own: dict[str, bytes], look: Look, config: bytes) -> None:
        challenge = secrets.token_bytes(32)
        hardware_digest = hashlib.sha256(look.hardware_id).digest()
        answer = self._device(
            f"prove({bundle.STORAGE_FOLDER!r}, {challenge!r}, {hardware_digest!r}, {_STAGED!r})"
        )
        statement = identity.provisioning_digest(
            challenge,
            own["device_id"],
            own["next_key_digest"],
            hardware_digest,
            hashlib.sha256(config).digest(),
        )
        if not schnorr.verify(own["public_key"], statement, _bytes(answer, "signature", 64)):
            raise BoardFault(_NOT_ITSELF)

    def _activate(self, config: bytes) -> None:
        digest = self._session.rename(_STAGED, bundle.CONFIG_PATH)
        if digest != hashlib.sha256(config).hexdigest():
            self._session.remove(bundle.CONFIG_PATH)
            raise BoardFault(
                "the board does not read back the configuration that was written: its flash is "
                "failing, put it aside"
            )
        self._session.settle()

    def _device(self, call: str) -> dict[str, Any]:
        return self._session.device(call)

    def _known(self, fact: str) -> Any:
        return self._resume_file.row(self._row.name).get(fact)

    def _record(self, step: str, **facts: Any) -> None:
        self._resume_file.append(self._row.name, step, **facts)
        self._on_step(step)


_PUBLIC = ("device_id", "public_key", "next_key_digest")
_DAMAGED = "damaged"
_UNREADABLE = "unreadable"
_ANOTHER = (
    "the board's configuration is for {was} and its key store has {is_now}: its flash has lost "
    "something, and was left as it is; revoke the device if it was enrolled, then run this with "
    "--new-identity --abandon and the board's unique id"
)
_NOT_ITSELF = (
    "the board does not prove that it holds its key: its arithmetic or its memory is failing, put "
    "it aside"
)


def check(row: Row, look: Look) -> None:
    """BoardFault unless the row can be written to this board. Changes nothing."""
    if row.board and not board_kinds.matches(board_kinds.KINDS[row.board], look.machine):
        raise BoardFault(
            f"{row.name} is to be a {row.board}, and at {row.port} is a {look.machine}: connect "
            "the right board, or correct the column board"
        )
    if look.fat:
        raise BoardFault(
            "the board's files are on FAT, which can lose an identity at a power cut: make them "
            "anew as LittleFS (vfs.VfsLfs2.mkfs), then run this again"
        )
    if look.foreign_main:
        raise BoardFault(
            "the board has a main.py that is not ours: save it if somebody needs it (mpremote cp "
            ":main.py .), remove it (mpremote rm :main.py), then run this again"
        )
    try:
        bundle.check_bytecode(look.mpy)
    except bundle.BundleError as fault:
        raise BoardFault(str(fault)) from None
    if look.frozen and look.agent_version != bundle.version():
        raise BoardFault(
            f"the board's firmware has agent {look.agent_version} and "
            f"{installation.place()} has {bundle.version()}: countersign flash it first"
        )


def check_erasing(look: Look, wishes: Wishes) -> None:
    """BoardFault unless the user asked to erase unreadable files, and this board can do that."""
    hardware_id = look.hardware_id.hex()
    if not look.can_erase:
        raise BoardFault(
            "the board's files cannot be read: revoke the device at its gateway if it was "
            "enrolled, then make them anew with countersign flash --erase-files --abandon-identity"
        )
    if not wishes.erase_files or hardware_id not in wishes.abandon:
        raise BoardFault(
            "the board's files cannot be read and were left as they are: revoke the device at its "
            "gateway if it was enrolled, then run this with --erase-files --abandon "
            f"{hardware_id}, which makes a new identity"
        )


def _bytes(answer: dict[str, Any], name: str, size: int) -> bytes:
    try:
        value = bytes.fromhex(answer[name])
    except (KeyError, TypeError, ValueError):
        value = b""
    if len(value) != size:
        raise BoardFault(f"the board answers nonsense for its {name}: reset it, run this again")
    return value


def _above(path: str) -> list[str]:
    """The folders that a path on a board lies in."""
    return [folder.as_posix() for folder in PurePosixPath(path).parents]
