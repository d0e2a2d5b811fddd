"""Asks the running gateway of a site to carry an act out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from countersign_gateway import config as configuration
from countersign_gateway.control import address, wire
from countersign_gateway.model import OperatorError

ANSWER_S = 60.0


class NotDone(OperatorError):
    """The act was not carried out. The text says why, a sentence on each line."""


def ask(config_path: Path, act: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """The gateway's answer. NotDone, or ConfigError, with sentences for the person who asked."""
    registry_path = configuration.load(config_path).registry_path
    try:
        connection = address.connect(address.folder_of(registry_path))
    except PermissionError:
        raise NotDone("this user may not act at this gateway: its socket is another's") from None
    except OSError:
        raise NotDone(
            f"no gateway is running for {config_path}: countersign gateway run starts it"
        ) from None
    with connection:
        try:
            connection.settimeout(ANSWER_S)
            wire.send(connection, {"act": act, "arguments": arguments})
            reply = wire.receive(connection, wire.MOST_ANSWER_BYTES, ANSWER_S)
        except (OSError, wire.NotUnderstood) as error:
            raise NotDone(
                f"the gateway gave no answer ({error}): countersign device show says what holds"
            ) from None
    answer = reply.get("answer")
    if reply.get("ok") is not True or not isinstance(answer, dict):
        raise NotDone(str(reply.get("fault", "the gateway gave no reason")))
    return answer
