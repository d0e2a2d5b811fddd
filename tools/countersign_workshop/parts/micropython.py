"""Real MicroPython as a process on this machine, in two runtimes.

One runs on the machine's own architecture ("x64" or "arm64"). The other, "armhf", is 32-bit ARM
under qemu-arm: it has the integers, object sizes and native code format of a board's ARM, and a
heap like the RP2040's. Neither is a board: a process has no flash, no radio and no peripherals.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

from countersign_workshop.checkout import cache_folder
from countersign_workshop.parts import debian
from countersign_workshop.parts.part_missing import PartMissing, require_start

VERSION = "1.25"

# With 64-bit pointers objects are twice as large, so the same program needs twice the heap.
HEAP_BYTES = {"x64": 380_000, "arm64": 380_000, "armhf": 190_000}

_ARCHITECTURES = {"x64": "amd64", "arm64": "arm64", "armhf": "armhf"}
_PROGRAM = "usr/bin/micropython"


class RuntimeMissing(PartMissing):
    """A runtime is missing or does not run. The text names the command that mends it."""


def host_runtime() -> str:
    """The runtime of this machine's own architecture: "x64" or "arm64"."""
    return {"amd64": "x64", "arm64": "arm64"}[debian.host_architecture()]


def runtimes() -> tuple[str, str]:
    """Both runtimes that this machine can start: its own architecture's first, then "armhf"."""
    return (host_runtime(), "armhf")


def argv(runtime: str | None = None, heap_bytes: int | None = None) -> list[str]:
    """The command that starts a runtime; the caller appends a script.

    runtime: this machine's own architecture by default. heap_bytes: the whole garbage-collected
    heap; a device's by default. Raises RuntimeMissing.
    """
    name = runtime or host_runtime()
    if name not in _ARCHITECTURES:
        raise RuntimeMissing(f"no such runtime: {name} (there are: {', '.join(runtimes())})")
    tree = _tree(name)
    if not (tree / _PROGRAM).is_file():
        raise RuntimeMissing(f"MicroPython {name} is missing: countersign fetch {part_name(name)}")
    prefix: list[str] = []
    if name == "armhf":
        prefix = [str(qemu_arm()), "-L", str(tree)]
    start = debian.loader_argv(tree, _ARCHITECTURES[name], _PROGRAM)
    return [*prefix, *start, "-X", f"heapsize={heap_bytes or HEAP_BYTES[name]}"]


def environment(
    module_folders: Iterable[str | Path], base: Mapping[str, str] | None = None
) -> dict[str, str]:
    """The environment for `argv`: modules come from these folders and the frozen ones only."""
    result = dict(os.environ if base is None else base)
    result["MICROPYPATH"] = ":".join([*(str(folder) for folder in module_folders), ".frozen"])
    return result


def part_name(runtime: str) -> str:
    """What `countersign fetch` calls this runtime."""
    return f"micropython-{runtime}"


def fetch(runtime: str) -> None:
    """Unpack the runtime and check that it runs."""
    architecture = _ARCHITECTURES[runtime]
    debian.fetch(
        str(_tree(runtime).relative_to(cache_folder())),
        ["micropython"],
        architecture,
        cache_folder(),
    )
    verify(runtime)


def verify(runtime: str) -> str:
    """The version that the runtime itself reports, such as "1.25.0"."""
    script = "import sys; print('.'.join(str(n) for n in sys.implementation.version[:3]))"
    finished = subprocess.run(
        [*argv(runtime), "-c", script],
        env=environment([]),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    version = finished.stdout.strip()
    if finished.returncode != 0 or not version:
        raise RuntimeMissing(f"MicroPython {runtime} does not start: {finished.stderr.strip()}")
    if version.split(".")[:2] != VERSION.split("."):
        raise RuntimeMissing(f"MicroPython {runtime} is {version}, wanted {VERSION}")
    return version


def fetch_qemu_arm() -> None:
    """Debian's qemu-arm for this machine. It is static, so only the one program is unpacked."""
    debian.fetch(
        "qemu-user",
        ["qemu-user"],
        debian.host_architecture(),
        cache_folder(),
        dependencies=False,
        members=["usr/bin/qemu-arm"],
    )
    require_start([qemu_arm(), "--version"])


def qemu_arm() -> Path:
    """The program that runs 32-bit ARM programs on this machine."""
    path = cache_folder() / "qemu-user" / "usr/bin/qemu-arm"
    if not path.is_file():
        raise RuntimeMissing("qemu-arm is missing: countersign fetch qemu-arm")
    return path


def _tree(runtime: str) -> Path:
    return cache_folder() / "micropython" / _ARCHITECTURES[runtime]
