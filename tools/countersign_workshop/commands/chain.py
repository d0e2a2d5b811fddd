"""`countersign chain`: run the development chain.

countersign chain FOLDER               in the foreground until Ctrl-C
countersign chain FOLDER --fund 0x…    and give an account 100 ether
"""

from __future__ import annotations

import argparse
import signal
import threading
from pathlib import Path

from countersign_workshop.ledger import deployment
from countersign_workshop.ledger.chain import DevChain


def register(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, help="where its state is kept")
    parser.add_argument("--port", type=int, default=8545, help="on loopback; 8545")
    parser.add_argument("--fund", action="append", default=[], metavar="0x…", help="100 ether for")
    parser.add_argument(
        "--admit",
        action="append",
        default=[],
        metavar="0x…",
        help="let a gateway's account register devices for this chain's owner; funds it, too",
    )


def run(arguments: argparse.Namespace) -> int:
    """Run until Ctrl-C or SIGTERM. Exit status 1 if the chain fails or ends by itself."""
    end = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: end.set())
    with DevChain(arguments.folder, port=arguments.port) as chain:
        for text in arguments.fund:
            chain.fund(deployment.address_bytes(text))
        for text in arguments.admit:
            chain.admit_gateway(deployment.address_bytes(text))
        print(f"rpc_url          {chain.rpc_url}")
        print(f"chain_id         {chain.chain_id}")
        for name, address in chain.deploy().items():
            print(f"{name:<16} {address}")
        print(f"owner            {deployment.address_text(chain.owner())}", flush=True)
        while chain.running() and not end.wait(0.5):
            pass
    return 0
