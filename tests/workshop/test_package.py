"""mip installs, and images freeze, exactly the modules that are in the folders."""

import json

from countersign_workshop.images import source_index
from countersign_workshop.images.source_index import FIRMWARE, PACKAGES


def test_package_json_lists_every_module_once() -> None:
    described = json.loads((FIRMWARE / "package.json").read_text())
    assert described["urls"] == source_index.modules(), "make write"


def test_the_manifest_freezes_both_packages_and_what_starts_them() -> None:
    frozen: dict[str, str] = {}
    described: dict[str, str] = {}

    def package(name: str, base_path: str) -> None:
        frozen[name] = base_path

    def module(name: str, base_path: str) -> None:
        frozen[name] = base_path

    source = (FIRMWARE / "manifest.py").read_text()
    exec(source, {"package": package, "module": module, "metadata": described.update})
    assert frozen == {**PACKAGES, "boot.py": "start", "main.py": "start"}
    assert described["version"] == json.loads((FIRMWARE / "package.json").read_text())["version"]
    assert (
        f'"{described["version"]}"'
        in (FIRMWARE / "agent/countersign_agent/__init__.py").read_text()
    )
