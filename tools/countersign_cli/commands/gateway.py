"""`countersign gateway run --config gateway.toml`: hand over to the gateway."""

from __future__ import annotations

import argparse

EXTRAS = ("gateway", "ledger")


def register(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("gateway_arguments", nargs=argparse.REMAINDER, metavar="run --config FILE")


def run(arguments: argparse.Namespace) -> int:
    """The gateway's own exit status."""
    from countersign_gateway import app

    status: int = app.main(arguments.gateway_arguments)
    return status
