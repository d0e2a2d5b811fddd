"""`countersign gateway` in a checkout: with the unpacked Mosquitto if the system has none."""

from __future__ import annotations

import argparse
import os
import shlex

from countersign_cli.commands import gateway
from countersign_gateway.ingress.mqtt import mosquitto_program
from countersign_workshop.parts import toolchain
from countersign_workshop.parts.part_missing import PartMissing

__doc__ = gateway.__doc__  # what --help begins with is for those who run it
EXTRAS = gateway.EXTRAS
register = gateway.register


def run(arguments: argparse.Namespace) -> int:
    """The gateway's own exit status."""
    offer_mosquitto()
    return gateway.run(arguments)


def offer_mosquitto() -> None:
    """Name the checkout's Mosquitto to gateways of this process and its children.

    A Mosquitto of the system comes first, and so does one that the variable names already.
    """
    try:
        mosquitto_program.mosquitto_program()
    except mosquitto_program.MosquittoMissing:
        try:
            os.environ[mosquitto_program.VARIABLE] = shlex.join(toolchain.mosquitto())
        except PartMissing:
            pass  # the gateway itself says what to install
