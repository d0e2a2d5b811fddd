"""4x, governance: messages to every device of a site. The beacon is the only one so far."""

from countersign.carriers import kinds
from countersign.fields import DIGEST, SEQUENCE, Nullable, Record, Uint
from countersign.messages.envelope import GATEWAY, Definition

BEACON = 43

DEFINITIONS = (
    Definition(
        BEACON,
        "Beacon",
        GATEWAY,
        kinds.BEACON,
        Record(
            (1, "gateway_id", DIGEST),
            (2, "beacon", DIGEST),
            (3, "sequence", SEQUENCE),
            (4, "policy_version", Uint()),
            (5, "revocation_epoch", Uint()),
            (6, "mode", Uint(1)),
            (7, "age_s", Nullable(Uint())),
        ),
    ),
)
