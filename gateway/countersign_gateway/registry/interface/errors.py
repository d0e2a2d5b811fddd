"""The errors of a backend. A device's message never causes one: earlier stages verify messages."""

from __future__ import annotations

from countersign_gateway.model import OperatorError


class RegistryError(Exception):
    """A call would break an invariant of the record. It stored nothing."""


class RegistryFull(RegistryError):
    """There is no room for the call's rows on the disk. It stored nothing."""


class RegistryUnusable(RegistryError, OperatorError):
    """The record cannot be opened or used. The text is one sentence for the operator."""
