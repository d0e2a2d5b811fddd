"""Write the bill of materials: dist/countersign.cdx.json, CycloneDX 1.5, from the locks.

    python -m countersign_workshop.checks.sbom

It lists what is locked: Python packages with the SHA-256 of their files, npm packages with the
SHA-512 of theirs. Of these, what running needs has the scope "required". Debian's packages, such as
Mosquitto and MicroPython, are not locked and not listed: Debian signs them. The document has
no time and no random number, so the same locks give the same bytes.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import sys
import uuid
from pathlib import Path
from typing import Any

from countersign_workshop.checkout import ROOT
from countersign_workshop.checks import lock

TARGET = ROOT / "dist/countersign.cdx.json"


def main() -> int:
    document = bill()
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    print(f"sbom: {len(document['components'])} components in {TARGET.relative_to(ROOT)}")
    return 0


def bill() -> dict[str, Any]:
    """The document as JSON has it."""
    components = [*_python(), *_npm()]
    components.sort(key=lambda component: component["bom-ref"])
    digest = hashlib.sha256(json.dumps(components).encode()).digest()
    version = re.search(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": f"urn:uuid:{uuid.UUID(bytes=digest[:16], version=4)}",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": "countersign",
                "name": "countersign",
                "version": version[1] if version else "0",
                "licenses": [{"license": {"id": "Apache-2.0"}}],
            }
        },
        "components": components,
    }


def _python() -> list[dict[str, Any]]:
    components = []
    for name in (lock.BUILD, lock.RUNTIME, lock.DEVELOPMENT):
        text = (lock.LOCKS / f"{name}.txt").read_text(encoding="utf-8")
        for line in re.sub(r" \\\n +", " ", text).splitlines():
            if line.startswith("#"):
                continue
            requirement, *hashes = line.split(" ")
            package, version = requirement.split("==")
            required = name == lock.RUNTIME
            found = [("SHA-256", one.rpartition(":")[2]) for one in hashes]
            components.append(_component("pypi", package, version, found, required))
    return components


def _npm() -> list[dict[str, Any]]:
    components: dict[str, dict[str, Any]] = {}
    for path in sorted(_package_locks()):
        for place, package in json.loads(path.read_text(encoding="utf-8"))["packages"].items():
            name = place.rpartition("node_modules/")[2]
            if not place or not package.get("version"):
                continue  # our own
            algorithm, _, text = package["integrity"].partition("-")
            content = base64.b64decode(text).hex()
            found = [(f"SHA-{algorithm.removeprefix('sha')}", content)]
            component = _component("npm", name, package["version"], found, False)
            components[component["bom-ref"]] = component
    return list(components.values())


def _package_locks() -> list[Path]:
    found = []
    for folder in ("tools", "contracts"):
        for path in (ROOT / folder).rglob("package-lock.json"):
            if "node_modules" not in path.parts:
                found.append(path)
    return found


def _component(
    kind: str, name: str, version: str, hashes: list[tuple[str, str]], required: bool
) -> dict[str, Any]:
    url = f"pkg:{kind}/{name.replace('@', '%40')}@{version}"
    return {
        "type": "library",
        "bom-ref": url,
        "name": name,
        "version": version,
        "purl": url,
        "scope": "required" if required else "excluded",
        "hashes": [{"alg": algorithm, "content": content} for algorithm, content in hashes],
    }


if __name__ == "__main__":
    sys.exit(main())
