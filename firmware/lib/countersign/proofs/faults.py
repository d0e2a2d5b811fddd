"""Fault codes: why a proof does not hold, as schnorr.py, sigma.py and ring.py answer.

The codes are frozen like the reason codes (reasons.py), but they are never on the wire. The sender
of a bad proof learns only that it was bad; the receiver's log says how. A verifier checks one part
after another, in the order of this list, and answers the first fault. Every engine answers the same
one. PROTOCOL.md, section 10, says what each code means.

EQUATION_FAILS covers everything that the last step finds: the recomputed nonce commitment is the
point at infinity, has an odd y, or is another point. To tell these apart would cost an engine an
inversion, and nobody would benefit.
"""

OK = 0

NOT_BYTES = 1
WRONG_LENGTH = 2
RING_NOT_CANONICAL = 3
KEY_NOT_A_POINT = 4
TAG_NOT_A_POINT = 5
COMMITMENT_OUT_OF_RANGE = 6
CHALLENGE_OUT_OF_RANGE = 7
RESPONSE_OUT_OF_RANGE = 8
EQUATION_FAILS = 9

# Faults of an exchange in several moves.
OUT_OF_TURN = 20
EXPIRED = 21
SEAL_BROKEN = 22

NAMES = {
    OK: "OK",
    NOT_BYTES: "NOT_BYTES",
    WRONG_LENGTH: "WRONG_LENGTH",
    RING_NOT_CANONICAL: "RING_NOT_CANONICAL",
    KEY_NOT_A_POINT: "KEY_NOT_A_POINT",
    TAG_NOT_A_POINT: "TAG_NOT_A_POINT",
    COMMITMENT_OUT_OF_RANGE: "COMMITMENT_OUT_OF_RANGE",
    CHALLENGE_OUT_OF_RANGE: "CHALLENGE_OUT_OF_RANGE",
    RESPONSE_OUT_OF_RANGE: "RESPONSE_OUT_OF_RANGE",
    EQUATION_FAILS: "EQUATION_FAILS",
    OUT_OF_TURN: "OUT_OF_TURN",
    EXPIRED: "EXPIRED",
    SEAL_BROKEN: "SEAL_BROKEN",
}
