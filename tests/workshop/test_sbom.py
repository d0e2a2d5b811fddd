"""The bill of materials lists every locked package once, with its hashes, and is repeatable."""

from __future__ import annotations

from countersign_workshop.checks import lock, sbom


def test_every_locked_python_package_is_listed() -> None:
    listed = {c["name"]: c for c in sbom.bill()["components"] if c["purl"].startswith("pkg:pypi")}
    for line in lock.CONSTRAINTS.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            name, version = line.split("==")
            assert listed[name]["version"] == version
            assert listed[name]["hashes"]
    assert listed["coincurve"]["scope"] == "required"
    assert listed["pytest"]["scope"] == "excluded"


def test_references_are_unique_and_hashes_have_their_length() -> None:
    components = sbom.bill()["components"]
    references = [component["bom-ref"] for component in components]
    assert len(set(references)) == len(references)
    assert any(reference.startswith("pkg:npm/") for reference in references)
    sizes = {"SHA-256": 64, "SHA-512": 128, "SHA-1": 40}
    for component in components:
        for one in component["hashes"]:
            assert len(one["content"]) == sizes[one["alg"]], component["bom-ref"]


def test_the_same_locks_give_the_same_document() -> None:
    assert sbom.bill() == sbom.bill()
