"""One chain with the contracts on it for all tests of a file, blocks made by transactions alone."""

import pytest

from countersign_workshop.ledger.chain import DevChain
from countersign_workshop.parts import toolchain
from support.contracts.register import Register
from support.skip import skip


@pytest.fixture(scope="session")
def anvil():
    """The program, without which there is nothing to test against."""
    try:
        return toolchain.anvil()
    except toolchain.PartMissing as fault:
        skip(f"no chain to test against: {fault}")


@pytest.fixture(scope="session")
def compiler():
    """forge, with the compiler that it starts."""
    try:
        toolchain.forge()
        toolchain.solc_module()
        toolchain.node()
    except toolchain.PartMissing as fault:
        skip(f"no compiler to compare with: {fault}")


@pytest.fixture(scope="module")
def chain(anvil, tmp_path_factory):
    with DevChain(tmp_path_factory.mktemp("chain"), finality_pulse_s=None) as running:
        yield running


@pytest.fixture(scope="module")
def register(chain):
    return Register(chain)
