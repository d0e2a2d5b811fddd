"""`countersign provision`: make a board that runs MicroPython a device with an identity.

    countersign provision --port /dev/ttyACM0 --name bed-7 --settings site.json
    countersign provision --batch boards.csv --settings site.json

What a row may say is in tools/PROVISIONING.md. The private key is made on the board and stays
there; a board that has an identity keeps it. Run the same command again after anything went wrong.
"""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path
from typing import Any

from countersign_cli.provisioning import batch, bundle, progress, report, rows
from countersign_cli.provisioning.resume_file import Journal, JournalError
from countersign_cli.provisioning.steps import Wishes


def register(parser: argparse.ArgumentParser) -> None:
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--port", help="one board: /dev/ttyACM0 or socket://host:port")
    what.add_argument("--batch", type=Path, metavar="CSV", help="the boards of this file")
    parser.add_argument("--name", help="of the one board")
    parser.add_argument("--board", help="of the one board: refuse another kind")
    parser.add_argument("--baud", help="of the one board's port")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="SETTING=VALUE",
        help="for the one board, over --settings",
    )
    parser.add_argument(
        "--settings", type=Path, metavar="JSON", help="what all boards share: site, broker, keys"
    )
    parser.add_argument("--check", action="store_true", help="check the input, touch no board")
    parser.add_argument("--parallel", type=int, default=4, help="ports at a time (4)")
    parser.add_argument("--report", type=Path, help="a .csv or .json file; by default beside CSV")
    parser.add_argument("--no-start", action="store_true", help="leave the agents unstarted")
    parser.add_argument(
        "--pure-engine", action="store_true", help="install no native engine: proofs take longer"
    )
    identity = parser.add_argument_group("identities")
    identity.add_argument(
        "--new-identity", action="store_true", help="end the identity that a board has"
    )
    identity.add_argument(
        "--erase-files",
        action="store_true",
        help="make files anew that a board cannot read: ends the identity that may be in them",
    )
    identity.add_argument(
        "--abandon",
        action="append",
        default=[],
        metavar="ID",
        help="device id or unique id of a board for which that is meant",
    )
    identity.add_argument(
        "--release",
        action="append",
        default=[],
        metavar="NAME",
        help="begin this row of the batch anew, on whatever board is there",
    )


def run(arguments: argparse.Namespace) -> int:
    """0 if every board is done, 1 if one is not, 2 if the input cannot be used."""
    try:
        todo = _rows(arguments)
        bundle.modules()
    except rows.RowsError as error:
        for fault in error.faults:
            print(f"provision: {fault}", file=sys.stderr)
        return 2
    except bundle.BundleError as error:
        print(f"provision: {error}", file=sys.stderr)
        return 2
    if arguments.check:
        ports = len({row.port for row in todo})
        print(f"provision: {len(todo)} boards at {ports} ports, nothing wrong; no board touched")
        return 0
    journal_path = (
        arguments.batch.with_name(arguments.batch.name + ".journal") if arguments.batch else None
    )
    try:
        with Journal(journal_path) as journal:
            return _provision(arguments, todo, journal)
    except JournalError as error:
        print(f"provision: {error}", file=sys.stderr)
        return 2


def _provision(arguments: argparse.Namespace, todo: list[rows.Row], journal: Journal) -> int:
    names = {row.name for row in todo}
    for name in arguments.release:
        if name not in names:
            print(f"provision: --release {name}: there is no such row", file=sys.stderr)
            return 2
        if journal.row(name):
            journal.append(name, "released")
    shown = progress.for_terminal(len(todo))
    wishes = Wishes(
        new_identity=arguments.new_identity,
        erase_files=arguments.erase_files,
        pure_engine=arguments.pure_engine,
        start=not arguments.no_start,
        abandon=frozenset(value.lower() for value in arguments.abandon),
    )
    work = batch.Run(
        journal,
        wishes,
        shown,
        parallel=max(1, arguments.parallel),
    )

    def stop(number: int, _frame: object) -> None:
        # Each board comes to the end of its step, and the report is written; asked again, at once.
        work.stop.set()
        signal.signal(number, signal.SIG_DFL)

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with shown.shown():
            failed = work.all(todo)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    entries = report.entries(todo, journal, failed)
    path = _report_path(arguments)
    if path is not None:
        report.write(path, entries)
    for entry in entries:
        if entry["result"] == "done":
            print(f"{entry['name']}  {entry['device_id']}  {entry['public_key']}  {_how(entry)}")
    print(f"provision: {len(todo) - len(failed)} of {len(todo)} boards done", end="")
    print(f", report {path}" if path else "")
    return 1 if failed else 0


def _rows(arguments: argparse.Namespace) -> list[rows.Row]:
    shared = rows.read_settings(arguments.settings)
    if arguments.batch:
        single = (arguments.name, arguments.board, arguments.baud, *arguments.set)
        if any(single):
            raise rows.RowsError(["--name, --board, --baud and --set go with --port: use the CSV"])
        return rows.read_csv(arguments.batch, shared)
    if arguments.release:
        raise rows.RowsError(["--release goes with --batch"])
    cells: dict[str, str] = {"port": arguments.port, "name": arguments.name or ""}
    cells["board"] = arguments.board or ""
    cells["baud"] = arguments.baud or ""
    for text in arguments.set:
        name, equals, value = text.partition("=")
        if not equals:
            raise rows.RowsError([f"--set {name}: write SETTING=VALUE"])
        cells[name] = value
    return [rows.single(cells, shared)]


def _report_path(arguments: argparse.Namespace) -> Path | None:
    if arguments.report or not arguments.batch:
        return arguments.report  # type: ignore[no-any-return]
    batch_path: Path = arguments.batch
    return batch_path.with_name(batch_path.stem + ".report.csv")


def _how(entry: dict[str, Any]) -> str:
    return f"identity {entry['identity']}, agent {entry['agent_version']}, engine {entry['engine']}"
