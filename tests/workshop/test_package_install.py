"""Real installers install what `countersign package` makes, and it runs from there."""

import functools
import http.server
import json
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from countersign_cli.board_catalogue import board_records
from countersign_workshop.images import native, package
from countersign_workshop.parts import board_sources, cross, micropython

FIRMWARE = Path(__file__).resolve().parents[2] / "firmware"

# The runtime on this machine that executes a board's machine code.
RUNTIMES = {
    "UNIX": micropython.host_runtime(),
    "RPI_PICO": "armhf",
    "RPI_PICO_W": "armhf",
    "RPI_PICO2_W": "armhf",
}
PROVE = """\
from countersign.proofs import engines, schnorr
from countersign_agent import agent, main
public_key = schnorr.public_key(bytes(range(1, 33)))
signature = schnorr.sign(bytes(range(1, 33)), b'm' * 32, bytes(32))
if not schnorr.verify(public_key, b'm' * 32, signature):
    raise ValueError('a proof of its own is refused')
if engines.self_test(engines.active) is not None:
    raise ValueError('the engine is wrong')
print(schnorr.engine(), agent.__file__)
"""


class _Silent(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_arguments: object) -> None:
        pass


@pytest.fixture
def serve() -> Iterator[object]:
    """serve(folder) returns the address of an HTTP server of that folder."""
    servers = []

    def start(folder: Path) -> str:
        handler = functools.partial(_Silent, directory=str(folder))
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{server.server_address[1]}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def run(runtime: str, script: str, *folders: Path) -> str:
    """What the script prints on a runtime that imports from these folders alone."""
    try:
        command = micropython.argv(runtime)
    except micropython.RuntimeMissing as missing:
        pytest.skip(str(missing))
    finished = subprocess.run(
        [*command, "-c", script],
        env=micropython.environment(folders),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout
    return finished.stdout


def make_or_skip(board: str, folder: Path, engine: str) -> package.Package:
    try:
        return package.make(board, folder, engine)
    except (board_sources.SourcesMissing, cross.CompilerMissing) as missing:
        pytest.skip(str(missing))


def install(address: str, target: Path) -> str:
    """Install with mip of MicroPython 1.25, with the call that a person types on a board."""
    script = f"import mip\nmip.install('countersign', index={address!r}, target={str(target)!r})"
    return run(micropython.host_runtime(), script)


@pytest.mark.parametrize("board", ["UNIX", "ESP32_GENERIC", "ESP32_GENERIC_C3"])
def test_bytecode_installs_and_proves(board: str, serve, tmp_path: Path) -> None:
    """Bytecode is the same for every processor, so any board's bytecode runs here."""
    made = package.make(board, tmp_path / "made", "pure")
    said = install(serve(made.folder), tmp_path / "lib")
    assert said.splitlines()[-1] == "Done", said
    engine, place = run(micropython.host_runtime(), PROVE, tmp_path / "lib").split()
    assert engine == "pure"
    assert place == str(tmp_path / "lib/countersign_agent/agent.mpy")


@pytest.mark.parametrize("board", RUNTIMES)
def test_the_native_engine_installs_and_proves(board: str, serve, tmp_path: Path) -> None:
    """The workstation, or qemu-arm, executes the board's own machine code."""
    made = make_or_skip(board, tmp_path / "made", package.default_engine(board))
    assert f"{native.MODULE}.mpy" in made.files
    assert install(serve(made.folder), tmp_path / "lib").splitlines()[-1] == "Done"
    engine, _ = run(RUNTIMES[board], PROVE, tmp_path / "lib").split()
    assert engine == "native"


def test_foreign_machine_code_leaves_the_pure_engine(serve, tmp_path: Path) -> None:
    made = make_or_skip("ESP32_GENERIC", tmp_path / "made", "native")
    assert f"{native.MODULE}.mpy" in made.files
    install(serve(made.folder), tmp_path / "lib")
    engine, _ = run(micropython.host_runtime(), PROVE, tmp_path / "lib").split()
    assert engine == "pure"


def test_a_second_install_fetches_only_what_changed(serve, tmp_path: Path) -> None:
    made = package.make("UNIX", tmp_path / "made", "pure")
    address = serve(made.folder)
    install(address, tmp_path / "lib")
    (tmp_path / "lib/countersign/cbor.mpy").write_bytes(b"damaged")
    said = install(address, tmp_path / "lib").splitlines()
    assert [line for line in said if line.startswith("Copying:")] == [
        f"Copying: {tmp_path}/lib/countersign/cbor.mpy"
    ]
    installed = (tmp_path / "lib/countersign/cbor.mpy").read_bytes()
    assert installed == made.files["countersign/cbor.mpy"]


def test_a_missing_file_is_not_a_finished_install(serve, tmp_path: Path) -> None:
    made = package.make("UNIX", tmp_path / "made", "pure")
    next((made.folder / "file").rglob("*/*")).unlink()
    said = install(serve(made.folder), tmp_path / "lib")
    assert said.splitlines()[-1] == "Package may be partially installed", said


def test_mip_of_1_25_needs_the_index(serve, tmp_path: Path) -> None:
    """This is why the folder is also an index. If this fails, mip has learnt relative addresses."""
    made = package.make("UNIX", tmp_path / "made", "pure")
    address = serve(made.folder)
    script = f"import mip\ntry:\n    mip.install({address + '/'!r}, target={str(tmp_path)!r})\n"
    assert "refused ValueError" in run(
        micropython.host_runtime(),
        script + "except Exception as error:\n    print('refused', type(error).__name__)",
    )


@pytest.mark.parametrize("board", board_records.names())
def test_every_board_has_a_package_of_everything(board: str, tmp_path: Path) -> None:
    made = package.make(board, tmp_path / "made", "pure")
    sources = json.loads((FIRMWARE / "package.json").read_text())
    modules = {target.replace(".py", ".mpy") for target, _ in sources["urls"]}
    assert set(made.files) == modules
    described = json.loads((made.folder / "package.json").read_text())
    assert described["version"] == sources["version"]
    assert {target for target, _ in described["urls"]} == modules
    for target, address in described["urls"]:
        assert (made.folder / address).read_bytes() == made.files[target]


def test_the_same_sources_give_the_same_bytes(tmp_path: Path) -> None:
    one = package.make("RPI_PICO_W", tmp_path / "one", "pure")
    other = package.make("RPI_PICO_W", tmp_path / "other", "pure")
    assert one.files == other.files
    assert not [name for name, file in one.files.items() if str(FIRMWARE).encode() in file]


def test_a_folder_of_somebody_elses_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(package.PackageError, match="something else"):
        package.make("UNIX", tmp_path, "pure")
    assert (tmp_path / "thesis.txt").read_text() == "mine"


def test_code_that_was_never_executed_is_left_out_unless_asked_for() -> None:
    for board in board_records.names():
        never = board_records.load(board)["architecture"] == "xtensawin"
        assert package.default_engine(board) == ("pure" if never else "native")
