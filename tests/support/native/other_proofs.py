"""Questions about exchanges in three moves and ring proofs (answers.py), with the answers.

As in proofs.py, no code under test is used. The answers follow PROTOCOL.md, sections 10.3 and 10.4.
"""

from random import Random

from ecdsa import SECP256k1

from support.differential.oracles import N, multiple_of_generator, ring_verify, tagged_hash
from support.native.parts import big
from support.native.proofs import (
    COMMITMENT_OUT_OF_RANGE,
    EQUATION_FAILS,
    NOT_SCALARS,
    OK,
    RESPONSE_OUT_OF_RANGE,
    TOO_LARGE_FOR_FIELD,
    Question,
    any_scalar,
    compare,
    word,
)


def exchanges(random: Random, count: int):
    """PROTOCOL.md, section 10.3. The prover chooses its nonce, so a valid exchange has no single
    answer here: see `exchange_holds`."""
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
    """True if the moves of a valid exchange fit together, by python-ecdsa's points."""
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
    """Questions about a proof that answered `question`, unchanged and changed."""
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


def compare_exchanges(questions, answers):
    """As proofs.compare, for `exchanges`."""
    compare(questions, [given.split(" ")[0] for given in answers])
    for question, given in zip(questions, answers, strict=True):
        if question.kind == "exchange":
            assert exchange_holds(question, given), question
