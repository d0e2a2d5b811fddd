"""`countersign`: two tables of commands, with a file for each command.

A command's file is `commands/<name>.py`, with an underscore for a dash. Its `register(parser)` adds
the command's arguments, and its `run(arguments)` returns the exit status. It may have `EXTRAS`: the
extras of the distribution that bring the packages which it imports. The file is imported only when
its command is called, so that `inspect` works where the gateway's packages are missing and every
command starts quickly. A file named like a module of the standard library gets `_command` behind
its name: Python started in that folder must find the library's own module.

Commands that need a checkout are in another package, which operators do not have. Where that
package is installed, its command takes the place of the shipped one of the same name.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import sys
from collections.abc import Sequence
from importlib import metadata
from types import ModuleType

from countersign_cli import extras
from countersign_cli.installation import NotInCheckout
from countersign_cli.mendable import Mendable
from countersign_gateway.model import OperatorError
from countersign_gateway.operations.plain_text import printable_lines

COMMANDS = (
    ("doctor", "what this machine has and lacks, and what mends it"),
    ("inspect", "print a captured message field by field"),
    ("gateway", "run the gateway of a site"),
    ("site", "make the keys and settings of a new site"),
    ("device", "who may enrol at a running gateway, and who may go on"),
    ("boards", "which board to buy, and what is proven about it"),
    ("flash", "put firmware on a board"),
    ("provision", "make a board a device with an identity"),
)
"""The shipped commands: each name, and what the list of commands says of it."""

CHECKOUT_COMMANDS = (
    ("demo", "the whole path: three emulated devices, the gateway, the chain"),
    ("chain", "run the development chain"),
    ("runtime", "start a MicroPython runtime on this machine"),
    ("fetch", "fetch a part that comes from elsewhere"),
    ("build", "build a board's firmware image"),
    ("package", "make what mip installs on a board with stock MicroPython"),
    ("emulate", "start emulated boards, or run a script on one"),
    ("native", "build the native engine for each architecture"),
    ("bench-proof", "measure proofs on boards; one JSON object last"),
    ("bench-boards", "measure boards at a site; one JSON object last"),
    ("soak", "let one board check in for long; one JSON object last"),
    ("bench-gateway", "measure the gateway; one JSON object last"),
    ("fuzz", "malformed input for every reader of bytes; one JSON object last"),
    ("bench-perimeter", "attack a site and measure it; one JSON object last"),
)
"""The commands that need a checkout."""

# The checkout's package comes first, so that its commands take the place of shipped ones.
_PACKAGES = ("countersign_workshop", "countersign_cli")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return the exit status.

    The status is the command's own; 1 with a sentence for what a person can mend; 2 if there is no
    such command; 130 after Ctrl-C.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    names = [name for name, _ in (*COMMANDS, *CHECKOUT_COMMANDS)]
    overview = argparse.ArgumentParser(prog="countersign", description=_description())
    overview.formatter_class = argparse.RawDescriptionHelpFormatter
    overview.add_argument("--version", action="version", version=_version())
    overview.add_argument("command", choices=names, metavar="command", help="one of the above")
    command = overview.parse_args(words[:1]).command

    named: Sequence[str] = ()
    try:
        module = load(command)
        named = getattr(module, "EXTRAS", ())
        parser = argparse.ArgumentParser(prog=f"countersign {command}", description=module.__doc__)
        parser.formatter_class = argparse.RawDescriptionHelpFormatter
        module.register(parser)
        status: int = module.run(parser.parse_args(words[1:]))
    except KeyboardInterrupt:
        return 130
    except ModuleNotFoundError as missing:
        if missing.name is None or missing.name.startswith(extras.OURS):
            raise  # a missing module of ours is a defect
        return _mended(command, extras.missing(missing.name, named))
    except Mendable as fault:
        return _mended(command, fault)
    except (OperatorError, OSError) as fault:
        # OperatorError is the gateway's own; an OSError names the file or address and its fault.
        return _mended(command, Mendable(*str(fault).splitlines()))
    return status


def load(command: str) -> ModuleType:
    """The module of a command. NotInCheckout if the command needs a checkout and there is none."""
    stem = command.replace("-", "_")
    if stem in sys.stdlib_module_names:
        stem += "_command"
    for package in _PACKAGES:
        module = f"{package}.commands.{stem}"
        if importlib.util.find_spec(package) and importlib.util.find_spec(module):
            return importlib.import_module(module)
    raise NotInCheckout("this command needs a checkout: git clone the project, then make setup")


def _mended(command: str, fault: Mendable) -> int:
    for sentence in fault.args:
        # A sentence may quote a file, a board or a gateway.
        print(f"countersign {command}: {printable_lines(str(sentence))}", file=sys.stderr)
    return fault.exit_status


def _version() -> str:
    return f"countersign {metadata.version('countersign')}"


def _description() -> str:
    width = max(len(name) for name, _ in (*COMMANDS, *CHECKOUT_COMMANDS))
    lines = ["commands:"]
    lines += [f"  {name:{width}}  {text}" for name, text in COMMANDS]
    lines += ["", "commands that need a checkout:"]
    lines += [f"  {name:{width}}  {text}" for name, text in CHECKOUT_COMMANDS]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
