"""mpremote puts a package on an emulated Pico, which runs it there (`make test-boards`)."""

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from countersign_workshop.emulation import rp2040
from countersign_workshop.images import package
from support.boards import emulated_pico

pytestmark = [pytest.mark.board, pytest.mark.slow]

# The image has the same modules frozen in, and the installed ones are to run. The image also has
# the native engine, which no file can replace. Of the installed engine only the bytes are checked.
INSTALLED = """\
import sys, gc, hashlib
sys.path[:] = ['/lib']
for path, digest in {digests!r}:
    with open('/lib/' + path, 'rb') as file:
        if hashlib.sha256(file.read()).digest() != digest:
            raise ValueError('not what was sent: ' + path)
from countersign.proofs import schnorr
from countersign_agent import agent, main
public_key = schnorr.public_key(bytes(range(1, 33)))
signature = schnorr.sign(bytes(range(1, 33)), b'm' * 32, bytes(32))
if not schnorr.verify(public_key, b'm' * 32, signature):
    raise ValueError('a proof of its own is refused')
gc.collect()
print(schnorr.engine(), agent.__file__, gc.mem_free())
"""


def test_mpremote_installs_the_package_and_the_board_runs_it(tmp_path: Path) -> None:
    image = emulated_pico.image_or_skip()
    made = package.make("RPI_PICO", tmp_path / "made", "native")
    flash = tmp_path / "flash"
    with rp2040.Rp2040(image, flash=flash) as board:
        line = f"socket://127.0.0.1:{board.serial_port}"
        finished = subprocess.run(
            [sys.executable, "-m", "mpremote", "connect", line, "mip", "install", "package.json"],
            cwd=made.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=900,
            check=False,
        )
        assert finished.returncode == 0, finished.stdout
        assert finished.stdout.splitlines()[-1] == "Done"
    with rp2040.Rp2040(None, flash=flash) as board:
        digests = [(path, hashlib.sha256(file).digest()) for path, file in made.files.items()]
        engine, place, free_bytes = board.run(INSTALLED.format(digests=digests)).split()
    print(f"RPI_PICO: with the installed modules loaded {free_bytes} bytes of heap are free")
    assert engine == "native"
    assert place == "/lib/countersign_agent/agent.mpy"
    # The agent needs less: see HEAP_BYTES and the armhf runtime.
    assert int(free_bytes) > 40_000
