"""The interactive proof: what it convinces a verifier of, and how an exchange ends."""

from countersign.proofs import curve, engines, faults, schnorr, sigma

PROVER = schnorr.Prover(bytes([7] * 32))
OTHER = schnorr.Prover(bytes([8] * 32))
VERIFIER_ID = bytes([9] * 32)
CONTEXT = bytes([4] * 32)
CHALLENGE = bytes([5] * 32)
ENTROPY = bytes([3] * 32)
TIMEOUT_MS = 1000


class Clock:
    def __init__(self):
        self.ms = 5000

    def now_ms(self):
        return self.ms


def pair(clock=None, prover=PROVER, **changes):
    """Both sides of one exchange. `changes` apply to the verifier alone."""
    clock = clock or Clock()
    expected = {
        "public_key": PROVER.public_key,
        "role": sigma.CALLER,
        "verifier_id": VERIFIER_ID,
        "context": CONTEXT,
        "challenge": CHALLENGE,
        "now_ms": clock.now_ms,
        "timeout_ms": TIMEOUT_MS,
    }
    expected.update(changes)
    verifier = sigma.VerifierSide(**expected)
    proving = sigma.ProverSide(prover, sigma.CALLER, VERIFIER_ID, CONTEXT, clock.now_ms, TIMEOUT_MS)
    return proving, verifier


def exchange(proving, verifier):
    """(the verifier's fault code, the transcript)."""
    fault, nonce_commitment = proving.commit(verifier.seal, ENTROPY)
    assert fault == faults.OK
    fault, challenge = verifier.challenge(nonce_commitment)
    assert fault == faults.OK
    fault, response_scalar = proving.respond(challenge)
    assert fault == faults.OK
    return verifier.check(response_scalar), (nonce_commitment, challenge, response_scalar)


def raises(call, *arguments):
    try:
        call(*arguments)
    except (ValueError, TypeError):
        return True
    return False


def test_the_holder_of_the_key_convinces():
    fault, transcript = exchange(*pair())
    assert fault == faults.OK
    assert [len(move) for move in transcript] == [sigma.MOVE_BYTES] * 3


def test_nobody_else_does():
    assert exchange(*pair(prover=OTHER))[0] == faults.EQUATION_FAILS
    proving, verifier = pair()
    _, nonce_commitment = proving.commit(verifier.seal, ENTROPY)
    verifier.challenge(nonce_commitment)
    assert verifier.check(CHALLENGE) == faults.EQUATION_FAILS


def test_an_answer_is_for_one_verifier_role_and_session():
    # A man in the middle relays all moves of an exchange that was meant for it.
    for changes in (
        {"verifier_id": bytes([10] * 32)},
        {"role": sigma.CALLED},
        {"context": bytes(32)},
        {"public_key": OTHER.public_key},
    ):
        assert exchange(*pair(**changes))[0] == faults.EQUATION_FAILS, changes


def test_one_answer_for_one_commitment():
    proving, verifier = pair()
    _, (_, challenge, _) = exchange(proving, verifier)
    assert proving.respond(challenge) == (faults.OUT_OF_TURN, None)
    assert proving.respond(bytes(32)) == (faults.OUT_OF_TURN, None)
    assert proving.commit(verifier.seal, ENTROPY) == (faults.OUT_OF_TURN, None)
    assert proving._k is None


def test_a_verifier_hears_one_answer():
    proving, verifier = pair()
    _, nonce_commitment = proving.commit(verifier.seal, ENTROPY)
    _, challenge = verifier.challenge(nonce_commitment)
    _, response_scalar = proving.respond(challenge)
    assert verifier.check(bytes(32)) == faults.EQUATION_FAILS
    assert verifier.check(response_scalar) == faults.OUT_OF_TURN
    assert verifier.challenge(nonce_commitment) == (faults.OUT_OF_TURN, None)


def test_moves_out_of_turn_end_the_exchange():
    proving, verifier = pair()
    assert proving.respond(CHALLENGE) == (faults.OUT_OF_TURN, None)
    assert proving.commit(verifier.seal, ENTROPY) == (faults.OUT_OF_TURN, None)
    proving, verifier = pair()
    proving.commit(verifier.seal, ENTROPY)
    assert proving.commit(verifier.seal, ENTROPY) == (faults.OUT_OF_TURN, None)
    assert proving.respond(CHALLENGE) == (faults.OUT_OF_TURN, None)
    proving, verifier = pair()
    assert verifier.check(bytes(32)) == faults.OUT_OF_TURN
    assert verifier.challenge(bytes(32)) == (faults.OUT_OF_TURN, None)
    proving, verifier = pair()
    _, nonce_commitment = proving.commit(verifier.seal, ENTROPY)
    verifier.challenge(nonce_commitment)
    assert verifier.challenge(nonce_commitment) == (faults.OUT_OF_TURN, None)
    assert verifier.check(bytes(32)) == faults.OUT_OF_TURN


def test_a_challenge_must_open_its_seal():
    proving, verifier = pair()
    proving.commit(verifier.seal, ENTROPY)
    assert proving.respond(bytes(32)) == (faults.SEAL_BROKEN, None)
    # The right move afterwards is too late.
    assert proving.respond(CHALLENGE) == (faults.OUT_OF_TURN, None)


def test_malformed_moves():
    for bad in (None, 7, "a" * 32, [0] * 32, b"", bytes(31), bytes(33), bytes(64)):
        expected = faults.WRONG_LENGTH if isinstance(bad, bytes) else faults.NOT_BYTES
        proving, verifier = pair()
        assert proving.commit(bad, ENTROPY) == (expected, None)
        assert proving.commit(verifier.seal, ENTROPY) == (faults.OUT_OF_TURN, None)
        assert verifier.challenge(bad) == (expected, None)
        proving, verifier = pair()
        _, nonce_commitment = proving.commit(verifier.seal, ENTROPY)
        verifier.challenge(nonce_commitment)
        assert proving.respond(bad) == (expected, None)
        assert proving.respond(CHALLENGE) == (faults.OUT_OF_TURN, None)
        assert verifier.check(bad) == expected


def test_values_out_of_range():
    def number(value):
        return value.to_bytes(32, "big")

    for r in (curve.P, curve.P + 1, 2**256 - 1):
        verifier = pair()[1]
        assert verifier.challenge(number(r)) == (faults.COMMITMENT_OUT_OF_RANGE, None)
        assert verifier.check(bytes(32)) == faults.OUT_OF_TURN
    for s in (curve.N, 2**256 - 1):
        proving, verifier = pair()
        verifier.challenge(proving.commit(verifier.seal, ENTROPY)[1])
        assert verifier.check(number(s)) == faults.RESPONSE_OUT_OF_RANGE
    for key in (bytes(32), number(5), number(curve.P)):
        proving, verifier = pair(public_key=key)
        assert exchange(proving, verifier)[0] == faults.KEY_NOT_A_POINT


def test_time_runs_out_at_every_move():
    for late in range(4):
        clock = Clock()
        proving, verifier = pair(clock)

        clock.ms += TIMEOUT_MS if late == 0 else 0
        fault, nonce_commitment = proving.commit(verifier.seal, ENTROPY)
        if late == 0:
            assert fault == faults.EXPIRED
            continue
        clock.ms += TIMEOUT_MS if late == 1 else 0
        fault, challenge = verifier.challenge(nonce_commitment)
        if late == 1:
            assert (fault, challenge) == (faults.EXPIRED, None)
            continue
        clock.ms += TIMEOUT_MS if late == 2 else 0
        fault, response_scalar = proving.respond(challenge)
        if late == 2:
            assert (fault, response_scalar) == (faults.EXPIRED, None)
            assert proving._k is None
            continue
        clock.ms += TIMEOUT_MS
        assert verifier.check(response_scalar) == faults.EXPIRED
    # A move in the last moment is still valid.
    clock = Clock()
    proving, verifier = pair(clock)
    clock.ms += TIMEOUT_MS - 1
    assert exchange(proving, verifier)[0] == faults.OK


def test_a_transcript_is_not_a_signature():
    _, (nonce_commitment, challenge, response_scalar) = exchange(*pair())
    passed_off = nonce_commitment + response_scalar
    for message in (challenge, sigma.sealed(challenge), b"", nonce_commitment, CONTEXT):
        assert not schnorr.verify(PROVER.public_key, message, passed_off)


def test_a_chosen_challenge_gives_no_signature():
    # A verifier that could wait for R would choose as its challenge the scalar that BIP-340
    # computes from R and the verifier's message. This test opens the seal for it, as if hashes
    # could be inverted. The prover still answers under its own hash.
    proving, verifier = pair()
    _, nonce_commitment = proving.commit(verifier.seal, ENTROPY)
    message = b"I owe you"
    chosen = schnorr._challenge_scalar(nonce_commitment, PROVER.public_key, message)
    proving._seal = sigma.sealed(chosen)
    fault, response_scalar = proving.respond(chosen)
    assert fault == faults.OK
    fault = schnorr.check(PROVER.public_key, message, nonce_commitment + response_scalar)
    assert fault == faults.EQUATION_FAILS


def test_a_signature_answers_no_exchange():
    signature = PROVER.sign(CHALLENGE, ENTROPY)
    verifier = pair()[1]
    assert verifier.challenge(signature[:32]) == (faults.OK, CHALLENGE)
    assert verifier.check(signature[32:]) == faults.EQUATION_FAILS


def test_anyone_can_make_a_transcript():
    # Deniability: this uses no secret, and the transcript passes the verifier's own check.
    clock = Clock()
    for s in range(1, 20):
        response_scalar = s.to_bytes(32, "big")
        verifier = pair(clock)[1]
        e = int.from_bytes(verifier._challenge_scalar(CHALLENGE), "big") % curve.N
        point = engines.active.lift_x(PROVER.public_key)
        minus_e = (curve.N - e).to_bytes(32, "big")
        commitment = engines.active.multiply_add(response_scalar, minus_e, point)
        if commitment[63] & 1 == 0:
            break
    assert verifier.challenge(commitment[:32]) == (faults.OK, CHALLENGE)
    assert verifier.check(response_scalar) == faults.OK


def test_a_stuck_entropy_source_gives_nothing_away():
    # With the same entropy, another challenge gives another nonce, the same one the same answer.
    first = exchange(*pair())[1]
    again = exchange(*pair())[1]
    assert first == again
    other = exchange(*pair(challenge=bytes([6] * 32)))[1]
    assert other[0] != first[0]
    proving, verifier = pair()
    assert proving.commit(verifier.seal, bytes(32))[1] != first[0]


def test_an_engine_that_fails_leaves_nothing_to_answer():
    class Failing:
        pass

    for name in ("generate", "respond"):
        engine = Failing()
        for other in ("generate", "respond"):
            setattr(engine, other, getattr(engines.pure_engine, other))

        def fails(*arguments):
            raise OSError("a fault")

        proving, verifier = pair()
        active = engines.active
        try:
            setattr(engine, name, fails)
            engines.active = engine
            try:
                proving.commit(verifier.seal, ENTROPY)
                raise AssertionError("no fault")
            except OSError:
                pass
        finally:
            engines.active = active
        assert proving.respond(CHALLENGE) == (faults.OUT_OF_TURN, None)


def test_misuse():
    clock = Clock().now_ms
    for role in (0, 3, None, "caller"):
        assert raises(sigma.ProverSide, PROVER, role, VERIFIER_ID, CONTEXT, clock, 1)
    for bad in (None, b"", bytes(31), bytes(33), "a" * 32):
        assert raises(sigma.ProverSide, PROVER, sigma.CALLER, bad, CONTEXT, clock, 1)
        assert raises(sigma.ProverSide, PROVER, sigma.CALLER, VERIFIER_ID, bad, clock, 1)
        verifier = (PROVER.public_key, sigma.CALLER, VERIFIER_ID, CONTEXT)
        assert raises(sigma.VerifierSide, *(verifier + (bad, clock, 1)))
        proving, side = pair()
        assert raises(proving.commit, side.seal, bad)


def test_known_answer():
    _, transcript = exchange(*pair())
    assert b"".join(transcript).hex() == KNOWN


# Nonce commitment, challenge, response scalar.
KNOWN = (
    "e9ff16b5f4e886dc2c1f4a9602f198c154e4ab0d517d52b44e5dbd19bbec1a61"
    "0505050505050505050505050505050505050505050505050505050505050505"
    "a49bdd1bb28b9032d50afee33ee897dc1c24f430d643ec92a81a565d114de57d"
)
