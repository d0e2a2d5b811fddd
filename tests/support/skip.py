"""Leave a test out, or a whole file of tests, with a reason that the runner prints.

    from support.skip import skip
    skip("the official vectors are not there")

Works the same under pytest and on MicroPython, where the runner knows `Skip` by its name.
"""

try:
    import pytest
except ImportError:
    pytest = None


class Skip(Exception):
    """Only raised where there is no pytest."""


def skip(reason):
    """Does not return. At the top of a file it leaves out the whole file."""
    if pytest is not None:
        pytest.skip(reason, allow_module_level=True)
    raise Skip(reason)
