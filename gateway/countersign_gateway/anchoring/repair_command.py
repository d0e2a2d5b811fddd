"""`countersign gateway repair --config gateway.toml [--apply] [--new-ledger-key]`."""

from __future__ import annotations

import sys
from pathlib import Path

from countersign_gateway import config as configuration
from countersign_gateway.anchoring.assembly import repair
from countersign_gateway.anchoring.ledger import Rejected, UpstreamDown
from countersign_gateway.model import OperatorError
from countersign_gateway.registry.sqlite import SqliteRegistry
from countersign_gateway.statements.keys import SigningKey


def run(path: Path, *, apply: bool, new_ledger_key: bool) -> int:
    """Exit status: 0 if nothing is left to repair, 1 if something is, or on error."""
    try:
        well = _repaired(path, apply, new_ledger_key)
    except (UpstreamDown, Rejected) as fault:
        print(f"countersign gateway: the ledger gave no answer: {fault}", file=sys.stderr)
        return 1
    except (OperatorError, OSError) as error:
        for sentence in str(error).splitlines():
            print(f"countersign gateway: {sentence}", file=sys.stderr)
        return 1
    return 0 if well else 1


def _repaired(path: Path, apply: bool, new_ledger_key: bool) -> bool:
    config = configuration.load(path)
    if config.anchoring is None:
        raise OperatorError("this site has no ledger")
    key = SigningKey.from_file(config.key_file)
    # The registry's lock keeps a running gateway and a repair apart.
    registry = SqliteRegistry(config.registry_path, key.gateway_id)
    try:
        work = repair(config.anchoring, registry=registry, gateway_key=key, say=print)
        well = work.run(apply=apply, new_ledger_key=new_ledger_key)
        print(work.next_step)
        return well
    finally:
        registry.close()
