"""Why a proof does not hold: what schnorr.py, sigma.py and ring.py answer.

Frozen like the reason codes of the wire (reasons.py), and never on the wire themselves: whoever
sent a bad proof learns that it was bad, and the log of the receiver says how. Each fault is found
by looking at one part, in the order of this list, before any later part is looked at; every
engine answers the same one. PROTOCOL.md, section 10, says what each one means.

What the last step finds has one name, EQUATION_FAILS: the recomputed nonce commitment is the
point at infinity, has an odd y, or is another point. Telling these apart would cost an engine an
inversion, and there is no one whom it would help.
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

# Of an exchange in several moves.
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
