"""The gateway's own state, as a file: what a supervisor or the demonstration reads.

Written whole to a new file and moved into place, so that a reader sees one moment or the one
before, never half of one. It is a convenience: nothing in the gateway reads it back.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path


def write_status(path: Path, status: Mapping[str, object]) -> None:
    """Replace `path` with `status` as one JSON object. OSError if the folder cannot be written."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.write_text(json.dumps(status, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    os.replace(partial, path)
