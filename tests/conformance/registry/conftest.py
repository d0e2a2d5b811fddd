"""Fixtures: each backend of the registry in turn."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from countersign_gateway.registry.interface import Registry
from countersign_gateway.registry.sqlite import SqliteRegistry
from support.gateway.memory_registry import MemoryRegistry

GATEWAY_ID = bytes(range(32))


def _memory(folder: Path) -> Registry:
    return MemoryRegistry()


def _sqlite(folder: Path) -> Registry:
    return SqliteRegistry(folder / "registry.sqlite3", GATEWAY_ID)


BACKENDS: dict[str, Callable[[Path], Registry]] = {"memory": _memory, "sqlite": _sqlite}


@pytest.fixture(params=sorted(BACKENDS))
def registry(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Registry]:
    opened = BACKENDS[request.param](tmp_path)
    yield opened
    opened.close()
