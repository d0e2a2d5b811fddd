"""The whole path on real parts: three emulated devices, the gateway, the chain.

Real MicroPython virtual machines run the agent, a real EVM chain runs the contracts; what is
emulated is the devices' hardware. With --board they are emulated boards on serial lines, with the
image that is flashed; without it they are processes and speak MQTT. The last line is one JSON
object with the counts.
"""

from __future__ import annotations

import argparse

from countersign_workshop.demo import story
from countersign_workshop.emulation import emulated_board


def register(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--devices", type=int, default=3, choices=range(1, 10), metavar="N", help="1 to 9; 3"
    )
    boards = sorted(emulated_board.KINDS)
    parser.add_argument(
        "--board", choices=boards, metavar="BOARD", help=f"emulate this board: {', '.join(boards)}"
    )


def run(arguments: argparse.Namespace) -> int:
    """Exit status 0 if every step of the demonstration gave the expected result, 1 if not."""
    return story.tell(arguments.devices, arguments.board)
