"""Questions to ask of an engine (answers.py), with the answers, and none of the code under test.

Answers are those of libsecp256k1 (coincurve), with which python-ecdsa's points must agree, and
Python's integers. Signatures must be the same to the byte, verdicts the same down to the fault.
"""

from collections import Counter
from random import Random
from typing import NamedTuple

from oracles import (
    N,
    P,
    challenge_scalar,
    ecdsa_verify,
    libsecp256k1_sign,
    libsecp256k1_verify,
    multiple_of_generator,
    ring_verify,
    tagged_hash,
)
from parts import big, scalars


class Question(NamedTuple):
    """kind: what is special about it."""

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
    """Whether a point has this x-coordinate."""
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
    """AssertionError, with the questions answered otherwise than expected; "" expects a fault."""
    differing = [
        (question, given)
        for question, given in zip(questions, answers, strict=True)
        if (given != question.answer if question.answer else given == "0")
    ]
    kinds = Counter(question.kind for question, _ in differing)
    assert not differing, (len(differing), kinds, differing[:3])


def compare_exchanges(questions, answers):
    """The same for `exchanges`."""
    compare(questions, [given.split(" ")[0] for given in answers])
    for question, given in zip(questions, answers, strict=True):
        if question.kind == "exchange":
            assert exchange_holds(question, given), question


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
    """A valid signature, of a chosen nonce, and what may be done to it."""

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
    """By PROTOCOL.md, section 10.2: the first thing that is wrong."""
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
        # Every other one is valid, so that refusing too much shows as well as accepting too much.
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


# The three moves and the ring ----------------------------------------------------------------


def exchanges(random: Random, count: int):
    """PROTOCOL.md, section 10.3. The prover's nonce is its own affair, so a valid exchange has no
    one answer here: see `exchange_holds`."""
    for index in range(count):
        secret = any_scalar(random)
        key, other = multiple_of_generator(secret)[0], multiple_of_generator(any_scalar(random))[0]
        about = [random.randbytes(32) for _ in range(4)]
        wrong = {
            "exchange": b"",
            "commitment out of range": big(random.choice(TOO_LARGE_FOR_FIELD)),
            "other commitment": big(other),
            "response out of range": b"\0" + big(random.choice(NOT_SCALARS)),
            "other response": b"\0" + big(any_scalar(random)),
            "other prover": b"",
        }
        kind = list(wrong)[index % len(wrong)]
        shown = other if kind == "other prover" else key
        words = [word(big(secret)), word(big(shown)), f"i:{random.choice((1, 2))}"]
        words += [*map(word, about), word(wrong[kind])]
        expected = {
            "exchange": OK,
            "commitment out of range": COMMITMENT_OUT_OF_RANGE,
            "response out of range": RESPONSE_OUT_OF_RANGE,
        }.get(kind, EQUATION_FAILS)
        yield Question(kind, " ".join(["exchange", *words]), str(expected))


def exchange_holds(question: Question, answer: str) -> bool:
    """Whether the moves that a valid exchange shows fit, by python-ecdsa's points."""
    from ecdsa import SECP256k1

    words = [text[2:] for text in question.text.split(" ")[1:]]
    key, role = bytes.fromhex(words[1]), int(words[2])
    verifier_id, context, challenge = map(bytes.fromhex, words[3:6])
    _, seal, commitment, response = answer.split(" ")
    if bytes.fromhex(seal) != tagged_hash("countersign/SigmaSeal/1", challenge):
        return False
    statement = bytes([role]) + key + verifier_id + context + challenge
    e = int.from_bytes(tagged_hash("countersign/SigmaChallenge/1", statement), "big") % N
    secret = int(words[0], 16)
    d = N - secret if multiple_of_generator(secret)[1] & 1 else secret
    nonce = SECP256k1.generator * ((int(response, 16) - e * d) % N)
    return nonce.x() == int(commitment, 16) and nonce.y() % 2 == 0


def ring_question(random: Random, size: int) -> Question:
    members = []
    while len(members) < size:  # a scalar and its negative have one key
        secrets = [any_scalar(random) for _ in range(size)]
        members = sorted({big(multiple_of_generator(secret)[0]) for secret in secrets})
    site, message = random.randbytes(random.choice((1, 8, 255))), random.randbytes(32)
    words = [word(big(secrets[0])), word(b"".join(members), "r")]
    words += [word(site), word(message), word(random.randbytes(32))]
    return Question(f"ring of {size}", " ".join(["ring_prove", *words]), "")


def ring_checks(random: Random, question: Question, proof: bytes):
    """A proof that was made in answer to the question, as it is and changed."""
    _, _, members, site, message, _ = question.text.split(" ")
    ring = [bytes.fromhex(members[2 + i : 66 + i]) for i in range(0, len(members) - 2, 64)]
    changed = bytearray(proof)
    changed[random.randrange(len(proof))] ^= 1 << random.randrange(8)
    tag_gone = b"\x04" + proof[1:]
    e_large = proof[:33] + big(random.choice(NOT_SCALARS)) + proof[65:]
    s_large = proof[:65] + big(random.choice(NOT_SCALARS)) + proof[97:]
    for kind, given, expected in (
        ("ring proof", proof, "0"),
        ("ring proof changed", bytes(changed), ""),
        ("ring tag not a point", tag_gone, "5"),
        ("ring challenge out of range", e_large, "7"),
        ("ring response out of range", s_large, "8"),
        ("ring proof too short", proof[:-1], "2"),
    ):
        holds = ring_verify(ring, bytes.fromhex(site[2:]), bytes.fromhex(message[2:]), given)
        if holds != (kind == "ring proof"):
            raise AssertionError(f"the oracle on {kind}")
        text = f"ring_check {members} {site} {message} {word(given)}"
        yield Question(kind, text, expected)
