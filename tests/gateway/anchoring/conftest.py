"""Fixtures: one chain for all tests of a file, and a site with its own account for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from support.gateway.anchoring_site import Site
from support.gateway.local_chain import LocalChain


@pytest.fixture(scope="module")
def module_chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalChain]:
    chain = LocalChain(tmp_path_factory.mktemp("chain"))
    yield chain
    chain.stop()


@pytest.fixture
def chain(module_chain: LocalChain) -> LocalChain:
    module_chain.automine(True)
    module_chain.rpc("anvil_dropAllTransactions")
    return module_chain


@pytest.fixture
def site(chain: LocalChain) -> Site:
    made = Site(chain)
    chain.fund(made.key.address)
    return made
