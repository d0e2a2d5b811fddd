"""Finds Mosquitto, the program of the site's own broker."""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Mapping

from countersign_gateway.model import OperatorError

VARIABLE = "COUNTERSIGN_MOSQUITTO"
# Debian installs it for the system's administrator, whose folders are often not on the PATH.
FOLDERS = ("/usr/sbin", "/usr/local/sbin", "/usr/local/bin")


class MosquittoMissing(OperatorError):
    """There is no Mosquitto on this machine. The text says what to install."""


def mosquitto_program(environment: Mapping[str, str] = os.environ) -> list[str]:
    """The command that starts Mosquitto; the caller appends its options.

    The variable COUNTERSIGN_MOSQUITTO holds the whole command if it is set. Otherwise the program
    is looked for on the PATH and in the system's folders. MosquittoMissing if it is nowhere.
    """
    named = environment.get(VARIABLE)
    if named:
        return shlex.split(named)
    folders = (environment.get("PATH", ""), *FOLDERS)
    found = shutil.which("mosquitto", path=os.pathsep.join(folders))
    if found is None:
        raise MosquittoMissing(
            "the broker of this site is Mosquitto, which is not installed: apt install mosquitto "
            '(or set ingress.mqtt.broker to "mqtts://host:port" for a broker that runs elsewhere)'
        )
    return [found]
