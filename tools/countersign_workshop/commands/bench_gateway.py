"""`countersign bench-gateway`: measure the gateway; the last line is one JSON object.

bench_gateway/measurement.py says what is measured, and how.
"""

from __future__ import annotations

import argparse
import json

from countersign_workshop.bench_gateway.measurement import Plan, measure


def register(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--devices", type=int, default=5000, metavar="N", help="5000 if absent")
    parser.add_argument("--full-rounds", type=int, default=20, metavar="N", help="at full load")
    parser.add_argument("--half-rounds", type=int, default=10, metavar="N", help="at half of it")
    parser.add_argument(
        "--window", type=int, default=4096, metavar="N", help="messages under way at full load"
    )
    parser.add_argument(
        "--peer-seconds", type=float, default=2.0, metavar="S", help="for each peer; 0: none"
    )


def run(arguments: argparse.Namespace) -> int:
    """Exit status 0 if every message was answered and is durable, 1 if not."""
    connections = 4
    plan = Plan(
        devices=max(1, arguments.devices // connections) * connections,
        connections=connections,
        warm_up_rounds=1,
        full_rounds=max(1, arguments.full_rounds),
        half_rounds=max(1, arguments.half_rounds),
        window=max(connections, arguments.window),
        peer_s=arguments.peer_seconds,
    )
    figures = measure(plan)
    print(json.dumps(figures))
    return 0 if figures["lost"] == 0 and figures["durable"] == figures["sent"] else 1
