"""Questions to ask an engine (answers.py), with the answers. They use none of the code under test.

The answers come from libsecp256k1 (coincurve), with which python-ecdsa's points must agree, and
from Python's integers. Signatures must match to the byte, and verdicts down to the fault.
"""

from collections import Counter
from random import Random
from typing import NamedTuple

from support.differential.oracles import (
    N,
    P,
    challenge_scalar,
    ecdsa_verify,
    libsecp256k1_sign,
    libsecp256k1_verify,
    multiple_of_generator,
)
from support.native.parts import big, scalars


class Question(NamedTuple):
    """kind: the special case that the question tests."""

    kind: str
    text: str
    answer: str


OK, NOT_BYTES, WRONG_LENGTH = 0, 1, 2
KEY_NOT_A_POINT, COMMITMENT_OUT_OF_RANGE, RESPONSE_OUT_OF_RANGE, EQUATION_FAILS = 4, 6, 8, 9

SPECIAL_SCALARS = list(scalars(330, "special"))
TOO_LARGE_FOR_FIELD = (P, P + 1, P + 2, 2**256 - 2, 2**256 - 1)
NOT_SCALARS = (N, N + 1, N + 2, 2**256 - 2, 2**256 - 1)
STRANGE_TYPES = ("n:", "i:7", "s:" + "a" * 32, "s:" + "a" * 64, "l:" + "01" * 32)


def word(value, kind="b"):
    return f"{kind}:{value.hex()}"


def is_x(x):
    """True if a point has this x-coordinate."""
    return x < P and (x**3 + 7) % P in (0, pow(pow(x**3 + 7, (P + 1) // 4, P), 2, P))


def not_x(random):
    while True:
        x = random.choice(
            (random.randrange(P), random.randrange(2**16), P - random.randrange(1, 2**16))
        )
        if not is_x(x):
            return x


def any_scalar(random):
    return random.choice((random.randrange(1, N), random.choice(SPECIAL_SCALARS)))


def compare(questions, answers):
    """Raise AssertionError, with the questions that got a wrong answer. "" expects a fault."""
    differing = [
        (question, given)
        for question, given in zip(questions, answers, strict=True)
        if (given != question.answer if question.answer else given == "0")
    ]
    kinds = Counter(question.kind for question, _ in differing)
    assert not differing, (len(differing), kinds, differing[:3])


# Signatures ----------------------------------------------------------------------------------


def signings(random: Random, count: int):
    for _ in range(count):
        secret, aux = big(any_scalar(random)), random.choice((random.randbytes(32), bytes(32)))
        message = random.randbytes(random.choice((0, 1, 31, 32, 32, 32, 33, 55, 56, 64, 200)))
        key = big(multiple_of_generator(int.from_bytes(secret, "big"))[0])
        signature = libsecp256k1_sign(secret, message, aux)
        kinds = random.choice(("bbb", "bbb", "aaa", "mmm", "uuu"))
        words = " ".join(map(word, (secret, message, aux), kinds))
        yield Question("sign", f"sign {words}", (key + signature).hex())


def refused_signings():
    good = [word(big(5)), word(b"message"), word(bytes(32))]
    for place, bad, error in (
        *((0, word(big(value)), "ValueError") for value in (0, *NOT_SCALARS)),
        *((0, word(bytes(size)), "ValueError") for size in (0, 31, 33, 64)),
        *((2, word(bytes(size)), "ValueError") for size in (0, 31, 33, 64)),
        *((0, strange, "ValueError") for strange in STRANGE_TYPES),
        *((1, strange, "TypeError") for strange in STRANGE_TYPES),
        *((2, strange, "ValueError") for strange in STRANGE_TYPES),
    ):
        words = list(good)
        words[place] = bad
        yield Question("refused signing", " ".join(["sign", *words]), error)


# Verifications -------------------------------------------------------------------------------


class Statement:
    """A valid signature with a chosen nonce, and the ways to falsify it."""

    def __init__(self, random):
        self.random = random
        secret, k = any_scalar(random), any_scalar(random)
        x, y = multiple_of_generator(secret)
        nonce_x, nonce_y = multiple_of_generator(k)
        self.d = N - secret if y & 1 else secret
        self.k = N - k if nonce_y & 1 else k
        self.message = random.randbytes(random.choice((0, 1, 32, 32, 32, 100)))
        self.key, self.r = x, nonce_x
        self.s = self.response(self.k)

    def response(self, k):
        return (k + self.e() * self.d) % N

    def e(self):
        return challenge_scalar(big(self.r), big(self.key), self.message)

    def valid(self):
        pass

    def bit_of_r(self):
        self.r ^= 1 << self.random.randrange(256)

    def bit_of_s(self):
        self.s ^= 1 << self.random.randrange(256)

    def bit_of_key(self):
        self.key ^= 1 << self.random.randrange(256)

    def message_changed(self):
        self.message += b"\0"

    def r_not_below_p(self):
        self.r = self.random.choice(TOO_LARGE_FOR_FIELD)

    def s_not_below_n(self):
        self.s = self.random.choice((*NOT_SCALARS, self.random.randrange(N, 2**256)))

    def key_not_below_p(self):
        self.key = self.random.choice((*TOO_LARGE_FOR_FIELD, self.random.randrange(P, 2**256)))

    def key_not_on_curve(self):
        self.key = not_x(self.random)

    def r_not_on_curve(self):
        self.r = not_x(self.random)
        self.s = self.response(self.k)

    def zero_key(self):
        self.key = 0

    def zero_r(self):
        self.r = 0
        self.s = self.random.choice((self.s, self.response(self.k)))

    def zero_s(self):
        self.s = 0

    def infinity(self):
        self.r = self.random.choice((0, self.r, self.key, self.random.randrange(P)))
        self.s = self.response(0)

    def odd_y(self):
        self.s = self.response(N - self.k)

    def negated_s(self):
        self.s = -self.s % N

    def other_key(self):
        self.key = multiple_of_generator(any_scalar(self.random))[0]

    def other_r(self):
        self.r = multiple_of_generator(any_scalar(self.random))[0]

    def two_faults(self):
        self.random.choice((self.key_not_on_curve, self.key_not_below_p, self.bit_of_key))()
        self.r_not_below_p()
        self.s_not_below_n()

    def r_and_s_out_of_range(self):
        self.r_not_below_p()
        self.s_not_below_n()


BREAKAGES = tuple(
    name
    for name, member in vars(Statement).items()
    if callable(member) and name not in ("__init__", "response", "e")
)


def fault(key: bytes, message: bytes, signature: bytes) -> int:
    """The first fault by PROTOCOL.md, section 10.2."""
    if len(key) != 32 or len(signature) != 64:
        expected = WRONG_LENGTH
    elif not is_x(int.from_bytes(key, "big")):
        expected = KEY_NOT_A_POINT
    elif int.from_bytes(signature[:32], "big") >= P:
        expected = COMMITMENT_OUT_OF_RANGE
    elif int.from_bytes(signature[32:], "big") >= N:
        expected = RESPONSE_OUT_OF_RANGE
    else:
        expected = OK if libsecp256k1_verify(key, message, signature) else EQUATION_FAILS
    holds = expected == OK
    if libsecp256k1_verify(key, message, signature) != holds:
        raise AssertionError(f"libsecp256k1: {key.hex()} {message.hex()} {signature.hex()}")
    if ecdsa_verify(key, message, signature) != holds:
        raise AssertionError(f"python-ecdsa: {key.hex()} {message.hex()} {signature.hex()}")
    return expected


def verifications(random: Random, count: int):
    for index in range(count):
        # Every other signature is valid, so the test detects false refusals and false acceptances.
        kind = "valid" if index % 2 else BREAKAGES[index // 2 % len(BREAKAGES)]
        given = Statement(random)
        getattr(given, kind)()
        key, signature = big(given.key), big(given.r) + big(given.s)
        expected = fault(key, given.message, signature)
        if (kind == "valid") != (expected == OK):
            raise AssertionError(f"{kind} gives fault {expected}")
        kinds = random.choice(("bbb", "bbb", "aba", "mbm", "ubu"))
        words = " ".join(map(word, (key, given.message, signature), kinds))
        yield Question(kind, f"check {words}", str(expected))


def official(rows):
    """BIP-340's own vectors, from the rows of its file."""
    for row in rows:
        key, message, signature = (
            bytes.fromhex(row[name]) for name in ("public key", "message", "signature")
        )
        expected = fault(key, message, signature)
        if (expected == OK) != (row["verification result"] == "TRUE"):
            raise AssertionError(f"the oracles on row {row['index']}")
        words = " ".join(map(word, (key, message, signature)))
        yield Question("official", f"check {words}", str(expected))
        if row["secret key"]:
            words = [
                word(bytes.fromhex(row[name])) for name in ("secret key", "message", "aux_rand")
            ]
            yield Question("official", " ".join(["sign", *words]), (key + signature).hex())


def malformed_verifications(random: Random):
    given = Statement(random)
    key, message, signature = big(given.key), given.message, big(given.r) + big(given.s)
    for size in (0, 1, 31, 33, 63, 64, 65, 96, 128):
        for at in (0, 2):
            words = [key, message, signature]
            words[at] = (words[at] * 4)[:size]
            expected = fault(*words)
            text = " ".join(["check", *map(word, words)])
            yield Question("wrong length", text, str(expected))
    for strange in STRANGE_TYPES:
        for at in (0, 2):
            for other in (word(key), word(key[:31])):
                words = [other, word(message), other]
                words[at] = strange
                text = " ".join(["check", *words])
                yield Question("not bytes", text, str(NOT_BYTES))
        text = f"check {word(key)} {strange} {word(signature)}"
        yield Question("message not bytes", text, "TypeError")
