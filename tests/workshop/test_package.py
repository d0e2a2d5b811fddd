"""mip installs, and images freeze, exactly the modules that are in the folders."""

import json
from pathlib import Path

FIRMWARE = Path(__file__).resolve().parents[2] / "firmware"
PACKAGES = {"countersign": "lib", "countersign_agent": "agent"}


def test_package_json_lists_every_module_once() -> None:
    modules = [
        [str(path.relative_to(FIRMWARE / folder)), str(path.relative_to(FIRMWARE))]
        for package, folder in PACKAGES.items()
        for path in sorted((FIRMWARE / folder / package).rglob("*.py"))
    ]
    described = json.loads((FIRMWARE / "package.json").read_text())
    assert described["urls"] == modules


def test_the_manifest_freezes_both_packages_and_what_starts_them() -> None:
    frozen: dict[str, str] = {}
    described: dict[str, str] = {}

    def package(name: str, base_path: str) -> None:
        frozen[name] = base_path

    def module(name: str, base_path: str) -> None:
        frozen[name] = base_path

    source = (FIRMWARE / "manifest.py").read_text()
    exec(source, {"package": package, "module": module, "metadata": described.update})
    assert frozen == {**PACKAGES, "main.py": "start"}
    assert described["version"] == json.loads((FIRMWARE / "package.json").read_text())["version"]
    assert (
        f'"{described["version"]}"'
        in (FIRMWARE / "agent/countersign_agent/__init__.py").read_text()
    )
