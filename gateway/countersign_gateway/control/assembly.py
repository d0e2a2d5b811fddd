"""Puts together what decides about enrolment, and the socket for the people who do."""

from __future__ import annotations

import time
from collections.abc import Callable

from countersign_gateway.config import Config
from countersign_gateway.control import address
from countersign_gateway.control.people import People
from countersign_gateway.control.server import ControlServer
from countersign_gateway.governance.admission import Gate, Window
from countersign_gateway.governance.budget import DailyBudget, alarmed_by
from countersign_gateway.operations.alarms import Alarms
from countersign_gateway.operations.clock import since_boot_s
from countersign_gateway.operations.log import EventLog
from countersign_gateway.registry.interface import Registry


def made_gate(config: Config, registry: Registry, alarms: Alarms) -> Gate:
    policy = config.policy
    return Gate(
        mode=policy.enrolment,
        owner=policy.owner,
        device_class=policy.device_class,
        record=registry,
        budget=DailyBudget(
            "enrolments", policy.enrolments_per_day, registry, time.time, alarmed_by(alarms)
        ),
        # Time in which the machine was suspended counts: a window closes on time.
        window=Window(since_boot_s),
        wall_s=time.time,
        on_crowd=lambda waiting, places: alarms.sound("waiting", waiting=waiting, places=places),
    )


def made_server(
    config: Config,
    registry: Registry,
    gate: Gate,
    log: EventLog,
    *,
    on_change: Callable[[], None],
    wake: Callable[[], None],
) -> ControlServer:
    """on_change: called after an act. wake: has the pipeline's thread call `carry_out` soon."""
    people = People(
        site=config.site,
        registry=registry,
        gate=gate,
        provisioners=config.policy.provisioners,
        on_change=on_change,
        wall_s=time.time,
        clock_s=since_boot_s,
    )
    return ControlServer(address.folder_of(config.registry_path), people, log, wake)
