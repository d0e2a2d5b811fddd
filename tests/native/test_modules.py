"""The modules as MicroPython loads them. Every build of the same sources gives the same bytes."""

import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from countersign_workshop.checkout import ROOT
from countersign_workshop.images import native
from countersign_workshop.parts import micropython
from support.native.parts import HERE, or_skip

SCRIPT = HERE / "module_on_micropython.py"
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


def test_two_builds_at_once_take_turns(monkeypatch):
    alone = or_skip(lambda: native.build("x64")).read_bytes()
    run, commands = native._run, []
    with ThreadPoolExecutor(1) as pool:

        def run_beside_another(argv, folder):
            commands.append(threading.get_ident())
            if len(commands) == 1:
                # The pause lets the other build come as far as it can.
                other.append(pool.submit(native.build, "x64"))
                threading.Event().wait(2)
                assert native.module("x64").read_bytes() == alone
            run(argv, folder)

        other = []
        monkeypatch.setattr(native, "_run", run_beside_another)
        assert native.build("x64").read_bytes() == alone
        assert other[0].result().read_bytes() == alone
    # One build runs all its commands before the other does.
    half = len(commands) // 2
    assert len(set(commands[:half])) == len(set(commands[half:])) == 1
    assert commands[0] != commands[-1]


def test_only_known_architectures():
    with pytest.raises(native.NativeBuildError, match="not built for"):
        native.build("z80")
