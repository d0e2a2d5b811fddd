"""A prover leaves the same words on the stack below its caller, whatever the secrets were.

The tests run on every architecture's processor (on_processor.py). They mark the stack before each
call and read it afterwards. They do not cover registers: a caller in C may find secrets in those
that a call may change.
"""

import pytest

from countersign.proofs import curve
from support.native.on_processor import UNTOUCHED
from support.native.parts import LAMBDA, N, big, little, point_words

SECRETS = [1, 2, N - 1, N - 2, LAMBDA, 2**255, N // 2, *(977**i % N for i in range(20, 28))]
POINTS = [point_words(curve.multiply_generator(k)) for k in SECRETS]
Q = point_words(curve.multiply_generator(12345))

PROVERS = {
    "prover_generate": [(bytes(64), big(k)) for k in SECRETS],
    "prover_commit": [(bytes(32), big(k)) for k in SECRETS],
    "prover_respond": [
        (bytes(32), big(k), big(e), big(d))
        for k, e, d in zip(SECRETS, SECRETS[3:] + SECRETS[:3], reversed(SECRETS), strict=True)
    ],
    "prover_linear": [(bytes(64), big(k), Q) for k in SECRETS],
    "prover_add": [(bytes(64), *pair) for pair in zip(POINTS, POINTS[5:], strict=False)],
}


@pytest.mark.parametrize("name", PROVERS)
def test_nothing_remains_of_secrets(processor, name):
    remains = {processor.call_and_look(name, *arguments) for arguments in PROVERS[name]}
    (one,) = remains
    deepest = len(one.rstrip(bytes([UNTOUCHED])))
    print(f"{processor.architecture} {name}: {deepest} bytes of stack")
    assert 0 < deepest < len(one)


def test_what_is_not_wiped_is_seen(processor):
    """The control: internal arithmetic, which leaves the wiping to its callers."""
    remains = {
        processor.call_and_look("scalar_multiply_add", bytes(32), little(k), little(k), little(k))
        for k in SECRETS
    }
    assert len(remains) > len(SECRETS) / 2
