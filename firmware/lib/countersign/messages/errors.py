"""255, the error: the gateway's answer to a message that it refused, with the reason."""

from countersign.carriers import kinds
from countersign.fields import DIGEST, Record, Uint
from countersign.messages.envelope import GATEWAY, Definition

ERROR = 255

DEFINITIONS = (
    Definition(
        ERROR,
        "Error",
        GATEWAY,
        kinds.ERROR,
        Record(
            (1, "gateway_id", DIGEST),
            (2, "device_id", DIGEST),
            (3, "subject", DIGEST),
            (4, "reason", Uint(255)),
        ),
    ),
)
