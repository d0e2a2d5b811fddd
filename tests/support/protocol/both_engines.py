"""A test run with the pure engine and with the native one's stand-in."""

from countersign.proofs import engines
from support.protocol import fake_native


def number(value):
    return value.to_bytes(32, "big")


def on_both(test):
    """Run a test with the pure engine and with the native one's stand-in. Then restore the engine
    that was active before."""

    def run():
        try:
            for candidate in (None, fake_native):
                engines.use(candidate)
                assert engines.name() == ("pure" if candidate is None else "native")
                test()
        finally:
            engines.choose()

    return run


def answer(function, *arguments):
    """A call's return value, or the type of the exception that it raises."""
    try:
        return function(*arguments)
    except Exception as error:  # noqa: BLE001 - any kind is an answer here
        return type(error)
