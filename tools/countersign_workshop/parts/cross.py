"""The compilers for boards and for this machine: Debian trixie's, unpacked and not installed.

The same compiler on every machine is one condition of a reproducible image. The libraries for
processors that none of our boards has are left out while unpacking: they are four fifths of three
gigabytes.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from countersign_workshop.checkout import cache_folder
from countersign_workshop.parts import debian
from countersign_workshop.parts.part_missing import PartMissing, require_start

_ARM_PACKAGES = [
    "gcc-arm-none-eabi",
    "libnewlib-arm-none-eabi",
    "libstdc++-arm-none-eabi-newlib",
    "cmake",
    "patch",
]
_RISCV_PACKAGES = ["gcc-riscv64-unknown-elf", "picolibc-riscv64-unknown-elf"]

# Debian's names of this machine's architecture in packages and programs.
_HOST_TRIPLETS = {"amd64": "x86_64-linux-gnu", "arm64": "aarch64-linux-gnu"}

# Of the C libraries' variants only these are kept: Cortex-M0+ (v6-m), Cortex-M3 (v7-m) and
# RV32IMAC.
_ARM_LEFT_OUT = [
    "*/thumb/v8*",
    "*/thumb/v7",
    "*/thumb/v7+*",
    "*/thumb/v7-a*",
    "*/thumb/v7-r*",
    "*/thumb/v7ve*",
    "*/thumb/v7e*",
    "*/thumb/nofp",
    "*/arm/v5te",
]
_RISCV_LEFT_OUT = ["*/rv64*", "*/rv32e*", "*/rv32*f*/ilp32*"]
_DOCUMENTATION = ["./usr/share/doc", "./usr/share/man", "./usr/share/info", "./usr/share/locale"]


class CompilerMissing(PartMissing):
    """A compiler is missing or does not work. The text names the command that mends it."""


def arm() -> str:
    """The prefix of the Arm compiler's programs, as in `<prefix>gcc`."""
    return _prefix("arm", "arm-none-eabi-", "cross-arm")


def riscv() -> str:
    """The prefix of the RISC-V compiler's programs."""
    return _prefix("riscv", "riscv64-unknown-elf-", "cross-riscv")


def xtensa() -> str:
    """The prefix of the Xtensa compiler's programs."""
    return _prefix("xtensa", "xtensa-lx106-elf-", "cross-xtensa")


def host() -> str:
    """The prefix of the programs of the compiler for this machine itself."""
    return _prefix("host", f"{_HOST_TRIPLETS[debian.host_architecture()]}-", "cross-host")


def program(name: str) -> str:
    """A build program that comes with the Arm compiler, such as cmake."""
    path = cache_folder() / "cross/arm/usr/bin" / name
    if not path.exists():
        raise CompilerMissing("cross-arm is missing: countersign fetch cross-arm")
    return str(path)


def fetch_arm() -> None:
    """Unpack the Arm compiler, cmake and patch, and check that they work."""
    tree = _fetch("arm", _ARM_PACKAGES, [*_ARM_LEFT_OUT, *_DOCUMENTATION])
    # Debian's compiler knows its C library by absolute paths. Inside the tree it looks here.
    (tree / "usr/lib/arm-none-eabi/include").symlink_to("../../include/newlib")
    (tree / "usr/lib/arm-none-eabi/lib").symlink_to("newlib")
    _prove(arm(), ["-mcpu=cortex-m0plus", "-mthumb", "--specs=nosys.specs"])
    require_start([program("cmake"), "--version"])


def fetch_riscv() -> None:
    """Unpack the RISC-V compiler and check that it works."""
    tree = _fetch("riscv", _RISCV_PACKAGES, [*_RISCV_LEFT_OUT, *_DOCUMENTATION])
    # A file names the C library by absolute paths, and the compiler finds the library through that
    # file.
    specs = tree / "usr/lib/picolibc/riscv64-unknown-elf/picolibc.specs"
    text = specs.read_text(encoding="utf-8")
    specs.write_text(text.replace("/usr/lib/picolibc", f"{tree}/usr/lib/picolibc"), "utf-8")
    (folder,) = (tree / "usr/lib/gcc/riscv64-unknown-elf").iterdir()
    (folder / specs.name).symlink_to(specs)
    _prove(riscv(), ["-march=rv32imac_zicsr", "-mabi=ilp32", "--specs=picolibc.specs"])


def fetch_xtensa() -> None:
    """Unpack the Xtensa compiler, which has no C library, and check that it works."""
    _fetch("xtensa", ["gcc-xtensa-lx106"], _DOCUMENTATION)
    require_start([f"{xtensa()}gcc", "--version"])


def fetch_host() -> None:
    """Unpack a compiler for this machine and check that it works."""
    triplet = _HOST_TRIPLETS[debian.host_architecture()]
    packages = [f"gcc-{triplet.replace('_', '-')}", "libc6-dev"]
    tree = _fetch("host", packages, _DOCUMENTATION)
    # The compiler looks for its assembler and linker by their bare names, and for headers and
    # libraries from the root. Both must be the tree's own, since the machine may have none.
    for name in ("lib", "lib64"):
        (tree / name).symlink_to(f"usr/{name}")
    programs = tree / "usr/lib/programs"
    programs.mkdir()
    for name in ("as", "ld"):
        (programs / name).symlink_to(f"../../bin/{triplet}-{name}")
    driver = (tree / f"usr/bin/{triplet}-gcc").resolve()
    text = driver.read_text(encoding="utf-8")
    options = f'--sysroot={tree} -B{programs} "$@"'
    driver.write_text(text.replace('"$@"', options), encoding="utf-8")
    _prove(host(), [])


def _fetch(name: str, packages: list[str], left_out: list[str]) -> Path:
    architecture = debian.host_architecture()
    tree = debian.fetch(f"cross/{name}", packages, architecture, cache_folder(), left_out=left_out)
    debian.make_startable(tree, architecture)
    return tree


def _prove(prefix: str, options: list[str]) -> None:
    """Compile and link a program that needs the C library, and discard the result."""
    source = "#include <string.h>\nint main(int n, char **v) { return (int)strlen(v[n - 1]); }\n"
    finished = subprocess.run(
        [f"{prefix}gcc", *options, "-Os", "-x", "c", "-", "-o", "/dev/null"],
        input=source,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if finished.returncode != 0:
        raise CompilerMissing(f"{prefix}gcc does not work:\n{finished.stdout.strip()}")


def _prefix(tree: str, prefix: str, part: str) -> str:
    path = cache_folder() / "cross" / tree / "usr/bin" / prefix
    if not path.with_name(prefix + "gcc").exists():
        raise CompilerMissing(f"{part} is missing: countersign fetch {part}")
    return str(path)
