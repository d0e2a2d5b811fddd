"""`countersign`: one table of commands, each a module of its own.

A command's module has `register(parser)`, which adds its arguments, and `run(arguments)`, which
returns the exit status. It is imported only when its command is called, so that `inspect` works
where the gateway's packages are missing and every command starts quickly.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence

# The command, what the list of commands says of it, and its module.
COMMANDS = (
    ("doctor", "what this machine has and lacks, and what mends it", "doctor"),
    ("demo", "the whole path: three emulated devices, the gateway, the chain", "demo"),
    ("inspect", "print a captured message field by field", "inspect"),
    ("gateway", "run the gateway of a site", "gateway"),
    ("chain", "run the development chain", "chain"),
    ("site", "make the keys, contracts and settings of a new site", "site"),
    ("runtime", "start a MicroPython runtime on this machine", "runtime"),
    ("fetch", "fetch a part that comes from elsewhere", "fetch"),
    ("boards", "which board to buy, and what is proven about it", "boards"),
    ("build", "build a board's firmware image", "firmware_build"),
    ("flash", "put firmware on a board", "flash"),
    ("provision", "make a board a device with an identity", "provisioning.command"),
    ("package", "make what mip installs on a board with stock MicroPython", "package"),
    ("emulate", "start emulated boards, or run a script on one", "emulate"),
    ("native", "build the native engine for each architecture", "native"),
    ("bench-proof", "measure proofs on boards; one JSON object last", "bench_proof.command"),
    ("bench-boards", "measure boards at a site; one JSON object last", "board_figures.command"),
    ("soak", "let one board check in for long; one JSON object last", "board_figures.soak"),
    ("bench-gateway", "measure the gateway; one JSON object last", "bench.command"),
)


def main(argv: Sequence[str] | None = None) -> int:
    """Exit status: the command's own; 2 if there is no such command; 130 after Ctrl-C."""
    words = list(sys.argv[1:] if argv is None else argv)
    modules = {name: module for name, _, module in COMMANDS}
    overview = argparse.ArgumentParser(
        prog="countersign", description=_description(), add_help=True
    )
    overview.formatter_class = argparse.RawDescriptionHelpFormatter
    overview.add_argument("command", choices=modules, metavar="command", help="one of the above")
    command = overview.parse_args(words[:1]).command

    module = importlib.import_module(f"countersign_tools.{modules[command]}")
    parser = argparse.ArgumentParser(prog=f"countersign {command}", description=module.__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    module.register(parser)
    try:
        status: int = module.run(parser.parse_args(words[1:]))
    except KeyboardInterrupt:
        return 130
    return status


def _description() -> str:
    width = max(len(name) for name, _, _ in COMMANDS)
    return "commands:\n" + "\n".join(f"  {name:{width}}  {text}" for name, text, _ in COMMANDS)


if __name__ == "__main__":
    sys.exit(main())
