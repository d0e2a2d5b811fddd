"""Fixture: the path of a test's registry."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def sqlite_path(tmp_path: Path) -> Path:
    return tmp_path / "registry.sqlite3"
