"""How a backend refuses. It is never about what a device sent: earlier stages verified that."""

from __future__ import annotations

from countersign_gateway.model import OperatorError


class RegistryError(Exception):
    """An invariant of the record was about to be broken. Nothing was stored."""


class RegistryUnusable(RegistryError, OperatorError):
    """The record cannot be opened or used at all; the text is one sentence for the operator."""
