"""The targets by name, and which share of the executions each gets."""

from __future__ import annotations

from collections.abc import Callable

from countersign_workshop.fuzzing.target import Target
from countersign_workshop.fuzzing.targets.codec import Codec
from countersign_workshop.fuzzing.targets.configuration import Configuration
from countersign_workshop.fuzzing.targets.frames import Frames
from countersign_workshop.fuzzing.targets.link import LinkSide
from countersign_workshop.fuzzing.targets.messages import Messages
from countersign_workshop.fuzzing.targets.packets import Packets
from countersign_workshop.fuzzing.targets.statements import Statements

# Parts of a hundred. A link or a configuration takes ten times as long as a message.
TARGETS: dict[str, tuple[Callable[[], Target], int]] = {
    "codec": (Codec, 24),
    "messages": (Messages, 20),
    "frames": (Frames, 18),
    "link": (LinkSide, 4),
    "packets": (Packets, 24),
    "statements": (Statements, 8),
    "configuration": (Configuration, 2),
}
