"""`countersign emulate`: emulated boards, until Ctrl-C or to run one script.

    countersign site init store --name store --broker none --allow-emulated --enrolment open \\
        --line socket://127.0.0.1:7700 --line socket://127.0.0.1:7701
    countersign gateway run --config store/gateway.toml
    countersign device open --minutes 10 --config store/gateway.toml
    countersign emulate --board RPI_PICO --devices 2 --site store

starts two boards that join that site over its serial lines. Without --site the boards are at their
prompts, for `countersign provision` or mpremote; UNIX has no such line and needs --site or --script
(boards/UNIX/deploy.md starts its agent by hand). Started again they are the same boards: what they
keep is in --folder. With --script a board runs the script, prints its output and ends.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from countersign_cli.board_port.raw_repl import ScriptFailed
from countersign_workshop.emulation import boards_at_work, emulated_board


def register(parser: argparse.ArgumentParser) -> None:
    boards = sorted(emulated_board.KINDS)
    parser.add_argument(
        "--board", required=True, choices=boards, metavar="BOARD", help=", ".join(boards)
    )
    parser.add_argument("--image", type=Path, metavar="FILE", help="instead of the one built last")
    joining = parser.add_argument_group("boards that run until Ctrl-C")
    joining.add_argument("--devices", type=int, default=1, metavar="N", help="how many; 1")
    joining.add_argument("--site", type=Path, metavar="FOLDER", help="join the site of this folder")
    joining.add_argument("--uart", action="store_true", help="by UART 1, not by USB")
    joining.add_argument("--folder", type=Path, metavar="DIR", help="where the boards are kept")
    joining.add_argument(
        "--interval-ms",
        type=int,
        default=boards_at_work.CHECK_IN_INTERVAL_MS,
        help="from check-in to check-in",
    )
    script = parser.add_argument_group("one script")
    script.add_argument("--script", type=Path, metavar="FILE")
    script.add_argument(
        "--copy",
        action="append",
        default=[],
        type=Path,
        metavar="FILE",
        help="copy this file to the board's file system first",
    )
    script.add_argument("--flash", type=Path, metavar="FILE", help="keep the board's flash here")


def run(arguments: argparse.Namespace) -> int:
    """Exit status 0 if the script ran to its end, or if the boards ran until Ctrl-C."""
    if arguments.script is None:
        return boards_at_work.run_boards(arguments)
    try:
        return boards_at_work.run_script(arguments)
    except ScriptFailed as failed:
        print(failed.output, end="")
        print(failed, file=sys.stderr)
        return 1
