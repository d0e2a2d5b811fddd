"""In each installation of the wheel, every command works or says in one sentence what it needs.

The environments are empty and outside the checkout.
"""

from __future__ import annotations

import ast
import importlib.metadata
import importlib.util
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from countersign import messages
from countersign_cli import cli, extras
from countersign_cli.diagnosis import requirements
from countersign_workshop.checkout import ROOT
from countersign_workshop.parts import toolchain
from support.protocol import samples

WAYS = ("", *extras.MODULES, pytest.param("all", marks=pytest.mark.slow))
"""One extra of the distribution for each. The first is the wheel alone, the last has all others."""
GATEWAY = ("gateway", "ledger", "all")
BOARDS = ("boards", "all")

OF_MICROPYTHON = {"esp32", "machine", "micropython", "network", "rp2", "tls", "vfs"}


@dataclass(frozen=True)
class Installation:
    """extra: the one installed. folder: empty, outside the checkout; commands run there."""

    extra: str
    python: Path
    folder: Path

    def start(self, *words: str | Path, **variables: str) -> subprocess.Popen[str]:
        # An operator has nothing of this checkout, and the caches are in the user's folder.
        environment = {
            "PATH": "/usr/bin:/bin",
            "HOME": str(self.folder),
            "LANG": "C.UTF-8",
            **variables,
        }
        return subprocess.Popen(
            [self.python.with_name("countersign"), *words],
            cwd=self.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *words: str | Path) -> tuple[int, str, str]:
        """Exit status, output and errors. Fails on a traceback."""
        process = self.start(*words)
        output, errors = process.communicate(timeout=120)
        assert "Traceback" not in errors, errors
        return process.returncode, output, errors

    def refused(self, *words: str | Path) -> str:
        """The one sentence with which a command says that it cannot run here."""
        status, output, errors = self.run(*words)
        assert (status, output) == (1, ""), (words, output, errors)
        (sentence,) = errors.splitlines()
        assert sentence.startswith(f"countersign {words[0]}: ")
        return sentence


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel. COUNTERSIGN_WHEEL names one that was built before."""
    named = os.environ.get("COUNTERSIGN_WHEEL")
    if named:
        return Path(named)
    folder = tmp_path_factory.mktemp("wheel")
    _pip("wheel", "--no-deps", "--wheel-dir", folder, ROOT)
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="session", params=WAYS, ids=lambda extra: str(extra) or "bare")
def installed(
    request: pytest.FixtureRequest, wheel: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    extra: str = request.param
    environment = tmp_path_factory.mktemp(f"with-{extra}")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
    python = environment / "bin/python"
    wanted = f"{wheel}[{extra}]" if extra else str(wheel)
    _pip("--python", python, "install", "--no-compile", wanted)
    yield Installation(extra, python, tmp_path_factory.mktemp("operator"))


def _pip(*words: str | Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *words],
        env={**os.environ, "PIP_CONSTRAINT": str(ROOT / "constraints.txt")},
        cwd="/",
        check=True,
    )


def test_the_wheel_carries_the_records_of_boards_and_nothing_that_lies_beside_them(
    wheel: Path,
) -> None:
    named = re.compile(r"countersign_cli/carried/(.+)")
    carried = [match[1] for match in map(named.match, zipfile.ZipFile(wheel).namelist()) if match]
    assert "boards/RPI_PICO/board.json" in carried
    ours = re.compile(
        r"boards/(board\.schema\.json|\w+/(board\.json|deploy\.md|pins\.csv))"
        r"|native/\w+/countersign_native\.mpy"
    )
    assert [name for name in carried if not ours.fullmatch(name)] == []


def test_a_folder_with_modules_is_a_package() -> None:
    """setuptools leaves out a folder without `__init__.py`, silently."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    for root in settings["tool"]["setuptools"]["packages"]["find"]["where"]:
        for package in (ROOT / root).glob("countersign*"):
            for module in package.rglob("*.py"):
                assert (module.parent / "__init__.py").is_file(), module


def test_help_is_there_for_what_is_shipped_and_a_checkout_asked_for_otherwise(
    installed: Installation,
) -> None:
    assert installed.run("--version")[:2] == (0, f"countersign {_version()}\n")
    assert installed.run("--help")[0] == 0
    shipped = [name for name, _ in cli.COMMANDS]
    of_checkout = [name for name, _ in cli.CHECKOUT_COMMANDS]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for name, (status, output, errors) in zip(
            shipped, pool.map(lambda name: installed.run(name, "--help"), shipped), strict=True
        ):
            assert (status, errors) == (0, ""), name
            assert output.startswith(f"usage: countersign {name}")
        words = [(name, *more) for name in of_checkout for more in ((), ("--help",))]
        for sentence in pool.map(lambda words: installed.refused(*words), words):
            assert "needs a checkout: git clone" in sentence
            assert "make setup" in sentence


def test_what_needs_no_package_works(installed: Installation) -> None:
    status, output, _ = installed.run("boards")
    assert status == 0
    assert "RPI_PICO_W" in output
    (guide,) = re.findall(r"set it up:  (.*/RPI_PICO_W/deploy.md)", output)
    assert Path(guide).is_file()
    assert '"id": "RPI_PICO"' in installed.run("boards", "RPI_PICO")[1]
    assert "no such board: NONE" in installed.refused("boards", "NONE")
    assert "needs a checkout" in installed.refused("boards", "--check")
    status, output, _ = installed.run("inspect", samples.sealed(messages.BEACON).hex())
    assert status == 0
    assert "beacon" in output


def test_doctor_looks_at_what_operators_need(installed: Installation) -> None:
    status, output, _ = installed.run("doctor")
    assert status == 0
    assert "make setup" not in output
    for extra in ("gateway", "ledger", "boards"):
        has = extra in _brought_by(installed.extra)
        assert (f"pip install 'countersign[{extra}]'" in output) != has
        assert installed.run("doctor", "--for", extra)[0] == (0 if has else 1)
    assert "serial ports" in output


def test_a_site_is_made_and_served(installed: Installation) -> None:
    words = ("site", "init", "store", "--name", "store", "--listen", "127.0.0.1:0")
    if installed.extra not in GATEWAY:
        assert "pip install 'countersign[gateway]'" in installed.refused(*words)
        assert "pip install 'countersign[gateway]'" in installed.refused(
            "gateway", "run", "--config", "gateway.toml"
        )
        return
    assert installed.run(*words)[0] == 0
    assert "exists already" in installed.refused(*words)
    config = installed.folder / "store/gateway.toml"
    if shutil.which("mosquitto", path="/usr/bin:/bin:/usr/sbin") is None:
        sentence = installed.refused("gateway", "run", "--config", config)
        assert "Mosquitto, which is not installed: apt install mosquitto" in sentence
    try:
        program = shlex.join(toolchain.mosquitto())
    except toolchain.PartMissing as missing:
        pytest.skip(f"mosquitto: {missing}")
    gateway = installed.start("gateway", "run", "--config", config, COUNTERSIGN_MOSQUITTO=program)
    try:
        assert gateway.stderr is not None
        for line in gateway.stderr:
            if '"gateway_ready"' in line:
                break
        else:
            pytest.fail("the gateway did not come up")
        gateway.send_signal(signal.SIGTERM)
        _, errors = gateway.communicate(timeout=60)
    finally:
        gateway.kill()
        gateway.wait()
    assert gateway.returncode == 0, errors
    assert "Traceback" not in errors


@pytest.mark.parametrize("installed", ["gateway"], indirect=True)
def test_a_site_with_a_ledger_says_what_it_lacks(installed: Installation) -> None:
    address = "0x" + "11" * 20
    ledger = ("--rpc-url", "http://127.0.0.1:1", "--chain-id", "1")
    contracts = ("--commitment-log", address, "--device-registry", address)
    words = ("site", "init", "anchored", "--name", "anchored", "--broker", "none")
    assert installed.run(*words, "--line", "socket://127.0.0.1:1", *ledger, *contracts)[0] == 0
    sentence = installed.refused("gateway", "run", "--config", "anchored/gateway.toml")
    assert "pip install 'countersign[ledger]'" in sentence


def test_boards_are_written_with_what_was_installed(installed: Installation) -> None:
    flash = ("flash", "--board", "RPI_PICO", "--volume", installed.folder)
    esp = ("flash", "--board", "ESP32_GENERIC", "--port", "socket://127.0.0.1:1", "--image", "x")
    table = installed.folder / "boards.csv"
    table.write_text("name,port\n")
    provision = ("provision", "--batch", table, "--check")
    if installed.extra in BOARDS:
        assert "name the --image" in installed.refused(*flash)
        assert "x cannot be read" in installed.refused(*esp)
        status, _, errors = installed.run(*provision)
        assert status == 2
        assert errors == "countersign provision: there are no boards in it\n"
        return
    # The gateway's serial lines bring the one package that these modules import at once.
    if installed.extra not in GATEWAY:
        for words in (flash, esp, provision):
            assert "pip install 'countersign[boards]'" in installed.refused(*words)


@pytest.mark.parametrize("installed", ["boards"], indirect=True)
def test_modules_for_boards_are_made_from_the_installed_packages(installed: Installation) -> None:
    script = (
        "from countersign_cli.provisioning import bundle\n"
        "files = bundle.modules()\n"
        "assert '/lib/countersign/cbor.mpy' in files, sorted(files)\n"
        "assert '/lib/countersign_agent/agent.mpy' in files, sorted(files)\n"
        "print(bundle.native_module(6 | 4 << 10) is not None)\n"
    )
    finished = subprocess.run(
        [installed.python, "-c", script],
        cwd=installed.folder,
        env={"PATH": "/usr/bin:/bin", "HOME": str(installed.folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    if finished.returncode:
        # A wheel that was built before `make native` says so, and names no command that needs a
        # checkout.
        last = finished.stderr.splitlines()[-1]
        assert "made without the native engine" in last, finished.stderr
        assert "make" not in last.partition("made without")[2]


def test_extras_bring_the_modules_that_the_command_line_says() -> None:
    named: dict[str, set[str]] = {}
    for distribution, extra in requirements("countersign"):
        assert extra is not None, f"{distribution} is mandatory"
        if distribution != "countersign":
            named.setdefault(extra, set()).update(_modules_of(distribution))
    assert set(named) == set(extras.MODULES)
    for extra, modules in extras.MODULES.items():
        assert set(modules) <= named[extra], extra


@pytest.mark.parametrize(
    ("package", "wanted_by"),
    [
        ("countersign", ()),
        ("countersign_agent", ()),
        ("countersign_contracts", ("ledger",)),
        ("countersign_gateway", ("gateway", "ledger")),
        ("countersign_cli", (*extras.MODULES, "dev")),
        ("countersign_workshop", (*extras.MODULES, None, "node", "dev")),
    ],
)
def test_a_package_imports_what_is_declared_for_it(
    package: str, wanted_by: tuple[str | None, ...]
) -> None:
    """This covers every command at once, and imports inside functions as well."""
    declared = {
        module
        for distribution in ("countersign", "countersign-workshop")
        for name, extra in requirements(distribution)
        if extra in wanted_by
        for module in _modules_of(name)
    }
    declared |= OF_MICROPYTHON
    undeclared = {
        f"{path.name}: {module}"
        for path in _sources(package)
        for module in _imported(path)
        if module not in declared
        and module not in sys.stdlib_module_names
        and not module.startswith("countersign")
    }
    assert not undeclared


@pytest.mark.parametrize(
    "package",
    [
        "countersign",
        "countersign_agent",
        "countersign_contracts",
        "countersign_gateway",
        "countersign_cli",
        "countersign_workshop",
    ],
)
def test_no_file_hides_a_module_of_the_standard_library(package: str) -> None:
    """Python that was started in any of our folders finds its own standard library."""
    sources = [path.relative_to(_folder(package).parent) for path in _sources(package)]
    names = {name for path in sources for name in path.with_suffix("").parts}
    assert package in names
    assert not names & sys.stdlib_module_names


@cache
def _distributions() -> Mapping[str, list[str]]:
    return importlib.metadata.packages_distributions()


def _modules_of(distribution: str) -> set[str]:
    return {
        module
        for module, names in _distributions().items()
        if distribution in {re.sub(r"[-_.]+", "-", name).lower() for name in names}
    }


def _folder(package: str) -> Path:
    spec = importlib.util.find_spec(package)
    assert spec is not None and spec.origin is not None
    return Path(spec.origin).parent


def _sources(package: str) -> Iterator[Path]:
    yield from _folder(package).rglob("*.py")


def _imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names = [node.module]
        yield from (name.partition(".")[0] for name in names)


def _brought_by(extra: str) -> tuple[str, ...]:
    return {
        "ledger": ("ledger", "gateway"),
        "all": tuple(extras.MODULES),
    }.get(extra, (extra,))


def _version() -> str:
    return importlib.metadata.version("countersign")
