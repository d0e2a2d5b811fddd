"""The modules as MicroPython loads them, and that they are built the same way every time."""

import subprocess
from pathlib import Path

import pytest
from parts import or_skip

from countersign_tools import micropython, native
from countersign_tools.checkout import ROOT

SCRIPT = Path(__file__).parent / "module_on_micropython.py"
MODULE_BYTES = 24_000


@pytest.mark.parametrize(
    ("runtime", "architecture"),
    [(micropython.host_runtime(), "x64"), ("armhf", "armv6m"), ("armhf", "armv7m")],
)
def test_on_micropython(runtime, architecture):
    module = or_skip(lambda: native.build(architecture))
    try:
        command = micropython.argv(runtime)
    except micropython.RuntimeMissing as missing:
        pytest.skip(str(missing))
    finished = subprocess.run(
        [*command, str(SCRIPT)],
        env=micropython.environment([module.parent, ROOT / "firmware/lib"]),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert finished.stdout.splitlines()[-1] == "right"


@pytest.mark.parametrize("architecture", sorted(native.TARGETS))
def test_the_same_sources_give_the_same_bytes(architecture):
    first = or_skip(lambda: native.build(architecture)).read_bytes()
    assert native.build(architecture).read_bytes() == first
    assert len(first) <= MODULE_BYTES
    assert str(ROOT).encode() not in first


def test_only_known_architectures():
    with pytest.raises(native.NativeBuildError, match="not built for"):
        native.build("z80")
