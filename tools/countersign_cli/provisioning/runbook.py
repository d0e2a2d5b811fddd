"""The work of `countersign provision`: check the rows, write the boards, report."""

from __future__ import annotations

import argparse
import getpass
import signal
import sys
from pathlib import Path
from typing import Any

from countersign.proofs import schnorr
from countersign_cli.board_port.service_door import Keeper
from countersign_cli.mendable import Mendable
from countersign_cli.provisioning import (
    batch,
    bundle,
    progress,
    provisioner_key,
    report,
    rows,
    signed_report,
)
from countersign_cli.provisioning.next_key import Custody
from countersign_cli.provisioning.resume_file import ResumeFile, ResumeFileError
from countersign_cli.provisioning.steps import Wishes
from countersign_gateway.operations.plain_text import printable
from countersign_gateway.text_file import read_text


class NotBegun(Mendable):
    """The run cannot begin, or cannot go on, with the input that it was given."""

    exit_status = 2


def run(arguments: argparse.Namespace) -> int:
    """Exit status 0 if every board is done, 1 if one is not.

    arguments: those of `countersign provision`. Raises RowsError or NotBegun if the input cannot be
    used.
    """
    todo = _rows(arguments)
    try:
        bundle.modules()
    except bundle.BundleError as error:
        raise NotBegun(*error.args) from None
    if arguments.check:
        ports = len({row.port for row in todo})
        print(f"provision: {len(todo)} boards at {ports} ports, nothing wrong; no board touched")
        return 0
    path = arguments.batch.with_name(arguments.batch.name + ".journal") if arguments.batch else None
    try:
        with ResumeFile(path) as resume_file:
            return _provision(arguments, todo, resume_file)
    except ResumeFileError as error:
        raise NotBegun(*error.args) from None


def _provision(arguments: argparse.Namespace, todo: list[rows.Row], resume_file: ResumeFile) -> int:
    names = {row.name for row in todo}
    for name in arguments.release:
        if name not in names:
            raise NotBegun(f"--release {name}: there is no such row")
        if resume_file.row(name):
            resume_file.append(name, "released")
    shown = progress.for_terminal(len(todo))
    wishes = Wishes(
        new_identity=arguments.new_identity,
        erase_files=arguments.erase_files,
        pure_engine=arguments.pure_engine,
        start=not arguments.no_start,
        abandon=frozenset(value.lower() for value in arguments.abandon),
        custody=_custody(arguments),
    )
    named = _named(arguments)
    work = batch.Run(
        resume_file,
        wishes,
        shown,
        parallel=max(1, arguments.parallel),
        keeper=Keeper(say=shown.say, key=_key(arguments)),
        named=named,
    )

    def stop(number: int, _frame: object) -> None:
        # After the first Ctrl-C each board completes its step and the report is written. A second
        # Ctrl-C ends the run at once.
        work.stop.set()
        signal.signal(number, signal.SIG_DFL)

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with shown.shown():
            failed = work.all(todo)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    entries = report.entries(todo, resume_file, failed, named)
    path = _report_path(arguments)
    if path is not None:
        report.write(path, entries)
        key = _key(arguments)
        if key is not None:
            signed_report.sign(path, key)
    for entry in entries:
        if entry["result"] == "done":
            keys = f"{entry['device_id']}  {entry['public_key']}"
            print(printable(f"{entry['name']}  {keys}  {_how(entry)}"))
    print(f"provision: {len(todo) - len(failed)} of {len(todo)} boards done", end="")
    print(f", report {path}" if path else "")
    return 1 if failed else 0


def _rows(arguments: argparse.Namespace) -> list[rows.Row]:
    shared = rows.read_settings(arguments.settings)
    key = _key(arguments)
    if key is not None:
        shared.setdefault("provisioner_public_key", schnorr.public_key(key).hex())
    if arguments.batch:
        single = (arguments.name, arguments.board, arguments.baud, *arguments.set)
        if any(single):
            raise rows.RowsError("--name, --board, --baud and --set go with --port: use the CSV")
        if arguments.device_id:
            raise rows.RowsError("--device-id goes with --port: the batch's journal names its own")
        return rows.read_csv(arguments.batch, shared)
    if arguments.release:
        raise rows.RowsError("--release goes with --batch")
    cells: dict[str, str] = {"port": arguments.port, "name": arguments.name or ""}
    cells["board"] = arguments.board or ""
    cells["baud"] = arguments.baud or ""
    for text in arguments.set:
        name, equals, value = text.partition("=")
        if not equals:
            raise rows.RowsError(f"--set {name}: write SETTING=VALUE")
        cells[name] = value
    return [rows.single(cells, shared)]


def _custody(arguments: argparse.Namespace) -> Custody | None:
    if arguments.next_key != "owner":
        return None
    if arguments.next_key_folder is None:
        raise NotBegun("--next-key owner needs --next-key-folder: where the files are to lie")
    return Custody(arguments.next_key_folder, _passphrase(arguments.passphrase_file))


def _passphrase(path: Path | None) -> str:
    if path is not None:
        try:
            return read_text(path).removesuffix("\n")
        except OSError as fault:
            raise NotBegun(f"{path} cannot be read: {fault.strerror}") from None
        except ValueError as fault:
            raise NotBegun(f"{path} {fault}") from None
    if not sys.stdin.isatty():
        raise NotBegun("nobody is here to ask for the passphrase: name a --passphrase-file")
    first = getpass.getpass("passphrase of the next keys: ")
    if getpass.getpass("once more: ") != first:
        raise NotBegun("the two are not the same")
    return first


def _key(arguments: argparse.Namespace) -> bytes | None:
    path: Path | None = arguments.provisioner_key
    return None if path is None else provisioner_key.load_or_make(path)


def _named(arguments: argparse.Namespace) -> dict[str, str]:
    """The device_id of the one board, as the command line or its own earlier report names it."""
    if arguments.batch:
        return {}
    if arguments.device_id:
        return {arguments.name: arguments.device_id}
    path = arguments.report
    device_id = report.device_of(path, arguments.name) if path is not None else None
    return {} if device_id is None else {arguments.name: device_id}


def _report_path(arguments: argparse.Namespace) -> Path | None:
    if arguments.report or not arguments.batch:
        return arguments.report  # type: ignore[no-any-return]
    batch_path: Path = arguments.batch
    return batch_path.with_name(batch_path.stem + ".report.csv")


def _how(entry: dict[str, Any]) -> str:
    return f"identity {entry['identity']}, agent {entry['agent_version']}, engine {entry['engine']}"
