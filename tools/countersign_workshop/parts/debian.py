"""Programs from Debian trixie, unpacked into a folder of ours. The machine's own packages stay.

The packages come through a private apt root: apt downloads and verifies, and `dpkg-deb` unpacks.
Nothing is installed, so no root rights are needed and no service starts. The mirror and its keyring
are those of the machine's own sources, read at run time, because each machine decides on its
mirror. This module imports the standard library alone: it runs before any package is installed.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import struct
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

from countersign_workshop.parts.apt_sources import DebianError, debian_archive, system_sources

SUITE = "trixie"

# The loader and the library folder of each architecture for which parts are fetched.
_LOADERS = {
    "amd64": "usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2",
    "arm64": "usr/lib/aarch64-linux-gnu/ld-linux-aarch64.so.1",
    "armhf": "usr/lib/arm-linux-gnueabihf/ld-linux-armhf.so.3",
}


def host_architecture() -> str:
    """Debian's name of this machine's architecture, such as amd64."""
    machine = os.uname().machine
    names = {"x86_64": "amd64", "aarch64": "arm64"}
    if machine not in names:
        raise DebianError(f"no part is published for this machine's architecture ({machine})")
    return names[machine]


class AptRoot:
    """A private apt: its own lists and cache for one architecture of one suite.

    kind: "deb" for a root that downloads packages, "deb-src" for one that downloads their sources.
    """

    def __init__(self, folder: Path, architecture: str, kind: str = "deb") -> None:
        self._folder = folder
        self._architecture = architecture
        self._kind = kind

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Let one process at a time use this root, since parts are fetched side by side."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def download(self, packages: Iterable[str], *, dependencies: bool = True) -> list[Path]:
        """The package files, verified by apt; by default with all that they depend on."""
        if dependencies:
            return self._into_archives("*.deb", ["install", "--yes", "--download-only", *packages])
        return self._into_archives("*.deb", ["download", *packages])

    def download_sources(self, packages: Iterable[str]) -> list[Path]:
        """The .dsc of each source package, with its archives beside it; apt verifies all."""
        return self._into_archives("*.dsc", ["source", "--download-only", *packages])

    def _into_archives(self, pattern: str, arguments: list[str]) -> list[Path]:
        self._configure()
        index = "Sources" if self._kind == "deb-src" else "Packages"
        if not any(self._folder.glob(f"lists/*_{index}*")):
            self._apt("update", "-o", "APT::Update::Error-Mode=any")
        archives = self._folder / "cache" / "archives"
        shutil.rmtree(archives, ignore_errors=True)
        (archives / "partial").mkdir(parents=True)
        try:
            self._apt(*arguments, cwd=archives)
        except DebianError:
            # The lists may be out of date compared with the mirror. The next run reads them again.
            shutil.rmtree(self._folder / "lists", ignore_errors=True)
            raise
        return sorted(archives.glob(pattern))

    def _configure(self) -> None:
        for name in ("lists/partial", "state", "cache/archives/partial"):
            (self._folder / name).mkdir(parents=True, exist_ok=True)
        # With an empty record of installed packages, apt resolves every dependency, as we need.
        (self._folder / "status").touch()
        archive = debian_archive(system_sources())
        stanza = [
            f"Types: {self._kind}",
            f"URIs: {archive.uri}",
            f"Suites: {SUITE}",
            "Components: main",
            f"Architectures: {self._architecture}",
        ]
        if archive.signed_by:
            stanza.append(f"Signed-By: {archive.signed_by}")
        self._write("archive.sources", "\n".join(stanza) + "\n")
        self._write(
            "apt.conf",
            f"""\
Dir::Etc::sourcelist "{self._folder}/archive.sources";
Dir::Etc::sourceparts "-";
Dir::State "{self._folder}/state";
Dir::State::Lists "{self._folder}/lists";
Dir::State::status "{self._folder}/status";
Dir::Cache "{self._folder}/cache";
APT::Architecture "{self._architecture}";
#clear APT::Architectures;
APT::Architectures {{ "{self._architecture}"; }};
APT::Install-Recommends "false";
APT::Sandbox::User "";
Acquire::Languages "none";
Acquire::Retries "3";
""",
        )

    def _write(self, name: str, text: str) -> None:
        (self._folder / name).write_text(text, encoding="utf-8")

    def _apt(self, *arguments: str, cwd: Path | None = None) -> None:
        environment = dict(os.environ)
        environment["APT_CONFIG"] = str(self._folder / "apt.conf")
        environment["LC_ALL"] = "C.UTF-8"
        try:
            finished = subprocess.run(
                ["apt-get", "--quiet", "--quiet", *arguments],
                cwd=cwd,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
            )
        except FileNotFoundError:
            raise DebianError("apt-get is missing: this needs a Debian machine") from None
        if finished.returncode != 0:
            raise DebianError(f"apt-get {arguments[0]} failed:\n{finished.stdout.strip()}")


def unpack(
    packages: Iterable[Path],
    into: Path,
    members: Iterable[str] = (),
    left_out: Iterable[str] = (),
) -> None:
    """Unpack package files over each other; only the named members, if any are named.

    left_out: tar patterns of members to leave out, which also saves their space while unpacking.
    """
    wanted = [f"./{member}" for member in members]
    excluded = [f"--exclude={pattern}" for pattern in left_out]
    into.mkdir(parents=True, exist_ok=True)
    for package in packages:
        with subprocess.Popen(
            ["dpkg-deb", "--fsys-tarfile", str(package)], stdout=subprocess.PIPE
        ) as reader:
            # Ownership is of no use to an unpacked tree, and setting it needs rights that we do not
            # ask for.
            writer = subprocess.run(
                [
                    "tar",
                    "--extract",
                    "--no-same-owner",
                    "--directory",
                    str(into),
                    *excluded,
                    *wanted,
                ],
                stdin=reader.stdout,
                check=False,
            )
            if reader.stdout is not None:
                reader.stdout.close()
        # tar may stop reading once it has the wanted members. That is not a failure.
        if writer.returncode != 0 or (reader.returncode != 0 and not wanted):
            raise DebianError(f"{package.name} could not be unpacked")


def fetch(
    name: str,
    packages: Iterable[str],
    architecture: str,
    cache: Path,
    *,
    dependencies: bool = True,
    members: Iterable[str] = (),
    left_out: Iterable[str] = (),
) -> Path:
    """The folder `cache/name` with these packages unpacked. It is replaced as a whole."""
    apt = AptRoot(cache / "apt" / f"{SUITE}-{architecture}", architecture)
    target = cache / name
    fresh = target.with_name(target.name + ".new")
    with apt.locked():
        shutil.rmtree(fresh, ignore_errors=True)
        files = apt.download(packages, dependencies=dependencies)
        unpack(files, fresh, members, list(left_out))
        for file in files:
            file.unlink()
        shutil.rmtree(target, ignore_errors=True)
        fresh.rename(target)
    return target


def fetch_sources(packages: Iterable[str], cache: Path) -> list[Path]:
    """The .dsc files of these source packages in the cache, with their archives beside them.

    They stay valid until the next call, so the caller must unpack them at once.
    """
    apt = AptRoot(cache / "apt" / f"{SUITE}-source", host_architecture(), "deb-src")
    with apt.locked():
        return apt.download_sources(packages)


def make_startable(tree: Path, architecture: str) -> None:
    """Make every program of an unpacked tree startable by its own name, from anywhere.

    A compiler starts its parts by path, and finds its own folders from the name by which it was
    started. So each program is renamed, and a script takes its place. The script starts the program
    through the tree's loader under its old name. The tree must stay where it is.
    """
    loader = tree / _LOADERS[architecture]
    for path in sorted(tree.rglob("*")):
        if path.is_symlink() or not path.is_file() or path.samefile(loader):
            continue
        if path.suffix == ".program" or ".so" in path.suffixes or not _has_interpreter(path):
            continue
        program = path.with_name(path.name + ".program")
        path.rename(program)
        path.write_text(
            "#!/bin/sh\n"
            f'exec {loader} --library-path {loader.parent} --argv0 {path} {program} "$@"\n',
            encoding="utf-8",
        )
        path.chmod(0o755)


def _has_interpreter(path: Path) -> bool:
    """Whether a file is a 64-bit ELF program that names a loader (a PT_INTERP segment)."""
    with path.open("rb") as file:
        header = file.read(64)
        if len(header) < 64 or header[:5] != b"\x7fELF\x02":
            return False
        (offset,) = struct.unpack_from("<Q", header, 32)
        entry_bytes, entries = struct.unpack_from("<HH", header, 54)
        file.seek(offset)
        table = file.read(entry_bytes * entries)
    return any(
        struct.unpack_from("<I", table, number * entry_bytes)[0] == 3 for number in range(entries)
    )


def loader_argv(tree: Path, architecture: str, program: str) -> list[str]:
    """The command that starts an unpacked tree's program with the tree's loader and libraries."""
    loader = tree / _LOADERS[architecture]
    return [str(loader), "--library-path", str(loader.parent), str(tree / program)]
