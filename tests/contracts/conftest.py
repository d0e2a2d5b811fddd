"""One chain with the contracts on it, for all tests of a file. Only transactions make blocks."""

import pytest

from countersign_workshop.ledger.chain import DevChain
from support.contracts import parts
from support.contracts.register import Register


@pytest.fixture(scope="session")
def compiler():
    parts.compiler()


@pytest.fixture(scope="module")
def chain(tmp_path_factory):
    parts.anvil()
    with DevChain(tmp_path_factory.mktemp("chain"), finality_pulse_s=None) as running:
        yield running


@pytest.fixture(scope="module")
def register(chain):
    return Register(chain)
