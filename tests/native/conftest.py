import pytest

from support.native import on_processor, parts


@pytest.fixture(scope="session", params=on_processor.ARCHITECTURES)
def processor(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    program = on_processor.build(request.param, folder)
    made = on_processor.Processor(request.param, program)
    yield made
    made.close()


@pytest.fixture(scope="session")
def core(tmp_path_factory):
    made = parts.Core(tmp_path_factory.mktemp("m0"))
    yield made
    made.close()
