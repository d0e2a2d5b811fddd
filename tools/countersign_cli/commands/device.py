"""`countersign device ACT`: who may enrol at a running gateway, and who may go on.

    countersign device list
    countersign device admit boards.report.csv
    countersign device admit --public-key HEX --name bed-7
    countersign device suspend bed-7

The running gateway carries the act out, and records who asked for it and when. Whoever may open
its socket may act: the user that it runs as, and root. `key` and `sign` need no gateway: they are
for whoever provisions boards and signs the list of them.
"""

from __future__ import annotations

import argparse
import base64
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from countersign_cli.mendable import Mendable

if TYPE_CHECKING:
    from countersign_gateway.control.acts.definition import ActDefinition, Argument

EXTRAS = ("gateway",)


def register(parser: argparse.ArgumentParser) -> None:
    from countersign_gateway.control.acts import ACTS

    commands = parser.add_subparsers(dest="act", required=True, metavar="ACT")
    for act in ACTS.values():
        _add_act(commands.add_parser(act.name, help=act.meaning, description=act.meaning), act)
    key = commands.add_parser("key", help="a provisioner's public key; makes the key, mode 0600")
    key.add_argument("file", type=Path)
    sign = commands.add_parser("sign", help="sign a list of boards: FILE.sig beside it")
    sign.add_argument("file", type=Path, help="a report of countersign provision")
    sign.add_argument("--key", type=Path, required=True, help="the provisioner's key")


def run(arguments: argparse.Namespace) -> int:
    """Exit status 0 if the act was carried out. OperatorError with sentences if not."""
    if arguments.act == "key":
        return _make_key(arguments.file)
    if arguments.act == "sign":
        return _sign(arguments.file, arguments.key)
    from countersign_gateway.control import client
    from countersign_gateway.control.acts import ACTS

    given = {
        argument.name: value
        for argument in ACTS[arguments.act].arguments
        if (value := getattr(arguments, argument.name)) is not None
    }
    answer = client.ask(arguments.config, arguments.act, _with_files(given))
    print(json.dumps(answer, indent=2) if arguments.json else "\n".join(_lines(answer)))
    return 0


def _add_act(parser: argparse.ArgumentParser, act: ActDefinition) -> None:
    for argument in act.arguments:
        parser.add_argument(*_names(argument), **_options(argument))
    parser.add_argument(
        "--config", type=Path, default=Path("gateway.toml"), help="the site's; here by default"
    )
    parser.add_argument("--json", action="store_true", help="print the whole answer as JSON")


def _names(argument: Argument) -> list[str]:
    return [argument.name] if argument.positional else [f"--{argument.name.replace('_', '-')}"]


def _options(argument: Argument) -> dict[str, Any]:
    options: dict[str, Any] = {
        "help": argument.meaning,
        "type": Path if argument.kind is bytes else argument.kind,
        "metavar": argument.name.upper(),
    }
    if argument.positional and not argument.needed:
        options["nargs"] = "?"
    elif not argument.positional:
        options["required"] = argument.needed
    return options


def _with_files(given: dict[str, Any]) -> dict[str, Any]:
    """A file's content in place of its path, and the signature that stands beside it."""
    path = given.get("list")
    if path is None:
        return given
    from countersign_gateway.control import list_signature

    try:
        with open(path, "rb") as file:
            content = file.read(list_signature.MOST_LIST_BYTES + 1)
    except OSError as fault:
        raise Mendable(f"the list {path} cannot be opened: {fault.strerror}") from None
    given["list"] = base64.b64encode(content).decode("ascii")
    beside = path.with_name(path.name + list_signature.SUFFIX)
    if "signature" not in given and beside.exists():
        given["signature"] = beside.read_text(encoding="ascii", errors="replace")[:256]
    return given


def _lines(answer: dict[str, Any]) -> list[str]:
    from countersign_gateway.operations.plain_text import printable

    lines = []
    rows = answer.get("devices", [])
    if rows:
        table = [list(rows[0]), *([_cell(value) for value in row.values()] for row in rows)]
        widths = [max(len(row[column]) for row in table) for column in range(len(table[0]))]
        for row in table:
            cells = (f"{cell:{width}}" for cell, width in zip(row, widths, strict=True))
            lines.append("  ".join(cells).rstrip())
        lines.append("")
    lines.append(printable(str(answer.get("said", ""))))
    lines += [f"  {name:16} {_cell(value)}" for name, value in answer.get("device", {}).items()]
    lines += [f"  {printable(str(act))}" for act in answer.get("acts", [])]
    return lines


def _cell(value: object) -> str:
    from countersign_gateway.operations.plain_text import printable

    return "-" if value is None else printable(str(value))


def _make_key(path: Path) -> int:
    from countersign.proofs import schnorr
    from countersign_cli.provisioning import provisioner_key

    public_key = schnorr.public_key(provisioner_key.load_or_make(path))
    print(f"provisioner's public key  {public_key.hex()}")
    print("put it into policy.provisioners of each gateway that shall take its lists")
    return 0


def _sign(path: Path, key_path: Path) -> int:
    from countersign_cli.provisioning import provisioner_key, signed_report

    secret = provisioner_key.load(key_path)
    if secret is None:
        raise ValueError("the command line names a key")
    print(f"signed: {signed_report.sign(path, secret)}")
    return 0
