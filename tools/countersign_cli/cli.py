"""`countersign`: one table of commands, each a module of its own.

A command's module has `register(parser)`, which adds its arguments, and `run(arguments)`, which
returns the exit status. It is imported only when its command is called, so that `inspect` works
where the gateway's packages are missing and every command starts quickly.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import sys
from collections.abc import Sequence

# The command, what the list of commands says of it, and its module in this package.
COMMANDS = (
    ("doctor", "what this machine has and lacks, and what mends it", "commands.doctor"),
    ("inspect", "print a captured message field by field", "commands.inspect_message"),
    ("gateway", "run the gateway of a site", "commands.gateway"),
    ("site", "make the keys, contracts and settings of a new site", "site_folder"),
    ("boards", "which board to buy, and what is proven about it", "commands.boards"),
    ("flash", "put firmware on a board", "commands.flash"),
    ("provision", "make a board a device with an identity", "commands.provision"),
)


WORKSHOP = "countersign_workshop"
"""The package of a checkout, whose table has more commands; it need not be there."""


def main(argv: Sequence[str] | None = None) -> int:
    """Exit status: the command's own; 2 if there is no such command; 130 after Ctrl-C."""
    words = list(sys.argv[1:] if argv is None else argv)
    modules = {name: module for name, _, module in table()}
    overview = argparse.ArgumentParser(
        prog="countersign", description=_description(), add_help=True
    )
    overview.formatter_class = argparse.RawDescriptionHelpFormatter
    overview.add_argument("command", choices=modules, metavar="command", help="one of the above")
    command = overview.parse_args(words[:1]).command

    module = importlib.import_module(modules[command])
    parser = argparse.ArgumentParser(prog=f"countersign {command}", description=module.__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    module.register(parser)
    try:
        status: int = module.run(parser.parse_args(words[1:]))
    except KeyboardInterrupt:
        return 130
    return status


def table() -> list[tuple[str, str, str]]:
    """Every command that is there: its name, what the list says of it, and its module."""
    rows = [(name, text, f"countersign_cli.{module}") for name, text, module in COMMANDS]
    if importlib.util.find_spec(WORKSHOP) is not None:
        more = importlib.import_module(f"{WORKSHOP}.commands").COMMANDS
        rows += [(name, text, f"{WORKSHOP}.{module}") for name, text, module in more]
    return rows


def _description() -> str:
    width = max(len(name) for name, _, _ in table())
    return "commands:\n" + "\n".join(f"  {name:{width}}  {text}" for name, text, _ in table())


if __name__ == "__main__":
    sys.exit(main())
