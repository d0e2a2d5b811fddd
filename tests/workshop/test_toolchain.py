"""Fetching parts works on a machine that has nothing but Python."""

import os
import subprocess
import sys

from countersign_workshop.checkout import ROOT


def test_the_fetcher_needs_no_package() -> None:
    """-S leaves out everything that was installed, as on a machine where nothing is yet."""
    finished = subprocess.run(
        [
            sys.executable,
            "-S",
            "-m",
            "countersign_workshop.parts.toolchain",
            "fetch",
            "no-such-part",
        ],
        env={**os.environ, "PYTHONPATH": str(ROOT / "tools")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "no-such-part" in finished.stderr
    assert "Traceback" not in finished.stderr, finished.stderr
