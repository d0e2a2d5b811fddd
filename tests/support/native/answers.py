"""Answers questions about proofs with the active engine, on MicroPython, on CPython and on boards.

    answer("check b:<public key> b:<message> b:<signature>")  ->  "9"
    answer("engine s:generate b:<scalar>")                     ->  hex, "None", "True", "ValueError"

A question is an action of ACTIONS and its arguments, each a letter of VALUES and a text. An answer
is text too, or the name of a TypeError or ValueError. Any other exception passes.
"""

from countersign.proofs import engines, ring, schnorr, sigma

VALUES = {
    "b": bytes.fromhex,
    "a": lambda text: bytearray(bytes.fromhex(text)),
    "m": lambda text: memoryview(bytes.fromhex(text)),
    "u": lambda text: memoryview(b"?" + bytes.fromhex(text))[1:],  # at an odd address
    "s": str,
    "i": int,
    "l": lambda text: list(bytes.fromhex(text)),
    "n": lambda text: None,
    "p": lambda text: engines.active.prepare(bytes.fromhex(text)),
    "r": lambda text: [bytes.fromhex(text[i : i + 64]) for i in range(0, len(text), 64)],
}


def sign(secret, message, aux_entropy):
    prover = schnorr.Prover(secret)
    return prover.public_key + prover.sign(message, aux_entropy)


def engine(function, *arguments):
    return getattr(engines.active, function)(*arguments)


def exchange(secret, public_key, role, verifier_id, context, challenge, entropy, wrong):
    """One exchange of sigma.py's three moves: the moves and the fault.

    wrong: a replacement for a move to the verifier, as (number of the move, replacement).
    """

    def now_ms():
        return 0

    about = (role, verifier_id, context)
    prover = sigma.ProverSide(schnorr.Prover(secret), *about, now_ms, 1)
    verifier = sigma.VerifierSide(public_key, *about, challenge, now_ms, 1)
    fault, commitment = prover.commit(verifier.seal, entropy)
    fault, opened = verifier.challenge(wrong if len(wrong) == 32 else commitment)
    if fault:
        return " ".join([str(fault), commitment.hex()])
    fault, response = prover.respond(opened)
    fault = verifier.check(wrong[1:] if len(wrong) == 33 else response)
    return " ".join([str(fault), verifier.seal.hex(), commitment.hex(), response.hex()])


def ring_prove(secret, members, site, message, entropy):
    return ring.prove(schnorr.Prover(secret), members, site, message, entropy)


ACTIONS = {
    "sign": sign,
    "check": schnorr.check,
    "engine": engine,
    "exchange": exchange,
    "ring_prove": ring_prove,
    "ring_check": ring.check,
}


def answer(question):
    action, *words = question.split(" ")
    try:
        given = [VALUES[word[0]](word[2:]) for word in words]
        result = ACTIONS[action](*given)
    except (TypeError, ValueError) as error:
        return type(error).__name__
    return result.hex() if isinstance(result, bytes) else str(result)


def main(wanted):
    """Answer questions from standard input on standard output, with the wanted engine alone."""
    import sys

    if wanted == "pure":
        engines.use(None)
    if engines.name() != wanted:
        raise RuntimeError(f"not on the {wanted} engine: {engines.fault()}")
    for line in sys.stdin:
        print(answer(line.rstrip("\n")))


if __name__ == "__main__":
    import sys

    main(sys.argv[1])
