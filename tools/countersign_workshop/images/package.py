"""What `provision` installs on a board, as a package for MicroPython's own installers.

The folder serves each way of installing. Whoever serves the folder decides on the address:

    mpremote mip install build/RPI_PICO_W/package.json
    python -m http.server --directory build/RPI_PICO_W 8000       and on the board
        mip.install("countersign", index="http://<this machine>:8000")

package.json names its files relative to itself. mpremote understands that since 1.25, and the mip
of boards only since later versions. The folder is therefore also a package index, which names the
files by their hash: every mip understands that.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from countersign_cli.board_catalogue import board_records
from countersign_cli.mendable import Mendable
from countersign_cli.provisioning import bundle
from countersign_workshop.images import native

NAME = "countersign"
MPY_VERSION = 6
"""The version of the .mpy format for which mip asks an index."""


class PackageError(Mendable):
    """The package could not be made. The text says why."""


@dataclass(frozen=True)
class Package:
    """files: what is installed, by its name on the board. version: the agent's."""

    folder: Path
    version: str
    files: dict[str, bytes]


def default_engine(board: str) -> str:
    """ "native", or "pure" for a board whose module of machine code was never executed."""
    included = board_records.load(board)["native_module"] == "included"
    return "native" if included else "pure"


def make(board: str, folder: Path, engine: str) -> Package:
    """Compile the library and the agent into a folder. The same sources give the same bytes.

    engine: "native" adds the module of machine code, which is built anew. Raises PackageError, or
    the error of a part that it needs.
    """
    architecture = board_records.load(board)["architecture"]
    files = dict(bundle.modules())
    if engine == "native":
        files[bundle.NATIVE_PATH] = native.build(architecture).read_bytes()
    named = {path.removeprefix(f"{bundle.LIBRARY}/"): file for path, file in files.items()}
    _clear(folder)
    package = Package(folder, bundle.version(), named)
    _write(package)
    return package


def _clear(folder: Path) -> None:
    """Remove only what an earlier package left, because a person may have named this folder."""
    if folder.exists() and any(folder.iterdir()):
        if not (folder / "package.json").is_file():
            raise PackageError(f"{folder} holds something else than a package: name another")
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)


def _write(package: Package) -> None:
    """Write the files, package.json with relative addresses, and an index of the files by hash."""
    paths = sorted(package.files)
    for path in paths:
        file = package.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(package.files[path])
    described = {
        "version": package.version,
        "deps": [],
        "urls": [[path, path] for path in paths],
    }
    _write_json(package.folder / "package.json", described)

    hashes = []
    for path in paths:
        digest = hashlib.sha256(package.files[path]).hexdigest()
        file = package.folder / "file" / digest[:2] / digest
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(package.files[path])
        hashes.append([path, digest])
    index = {"v": 1, "version": package.version, "deps": [], "hashes": hashes}
    for version in ("latest", package.version):
        _write_json(package.folder / index_path(version), index)


def index_path(version: str) -> Path:
    return Path("package") / str(MPY_VERSION) / NAME / f"{version}.json"


def _write_json(path: Path, content: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
