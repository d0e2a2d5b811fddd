"""What takes minutes is run when it is asked for: `--slow`."""

from __future__ import annotations

import pytest

from countersign_workshop.commands.gateway import offer_mosquitto

offer_mosquitto()

REASON = "takes minutes: make test-boards and make test-native run what is slow, as --slow does"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="run the tests marked slow too")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("slow"):
        return
    for item in items:
        if item.get_closest_marker("slow"):
            item.add_marker(pytest.mark.skip(reason=REASON))


@pytest.fixture
def is_thorough(pytestconfig: pytest.Config) -> bool:
    """Whether a test that can take a sample or everything is asked for everything."""
    return bool(pytestconfig.getoption("slow"))
