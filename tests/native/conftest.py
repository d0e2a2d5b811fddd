import parts
import pytest


@pytest.fixture(scope="session")
def library(tmp_path_factory):
    return parts.host_library(tmp_path_factory.mktemp("host"))


@pytest.fixture(scope="session")
def core(tmp_path_factory):
    made = parts.Core(tmp_path_factory.mktemp("m0"))
    yield made
    made.close()
