"""Publishes a beacon when its interval has passed, and when the mode changes."""

from __future__ import annotations

from collections.abc import Callable

from countersign import messages
from countersign_gateway.model import Freshness
from countersign_gateway.operations.log import EventLog
from countersign_gateway.serving.outlet import DeviceOutlet
from countersign_gateway.statements import beacon
from countersign_gateway.statements.signer import Signer
from countersign_gateway.verification.beacons import Beacons


class BeaconPublisher:
    """Call `tick` a few times a second from one thread, and `publish` from any thread."""

    def __init__(
        self,
        *,
        signer: Signer,
        beacons: Beacons,
        freshness: Callable[[], Freshness],
        policy_version: int,
        outlet: DeviceOutlet,
        log: EventLog,
    ) -> None:
        self._signer = signer
        self._beacons = beacons
        self._freshness = freshness
        self._policy_version = policy_version
        self._outlet = outlet
        self._log = log
        self._mode = messages.MODE_DEGRADED

    def prepare(self) -> None:
        """Store a beacon before the transports start, for devices that ask on a serial line."""
        self._outlet.prepare_beacon(self._sealed())

    def publish(self) -> None:
        self._outlet.publish_beacon(self._sealed())
        self._log.event("beacon_published", sequence=self._beacons.sequence)

    def tick(self, now_s: float) -> None:
        """Publish if the beacon has rotated or the mode has changed. now_s: monotonic seconds."""
        due = self._beacons.rotate_if_due(now_s)
        freshness = self._freshness()
        if freshness.mode != self._mode:
            self._mode = freshness.mode
            mode = messages.MODE_NAMES[freshness.mode]
            self._log.event("mode_changed", mode=mode, age_s=freshness.age_s)
            due = True
        if due:
            self.publish()

    def _sealed(self) -> bytes:
        return beacon.seal(
            self._signer,
            beacon=self._beacons.current,
            sequence=self._beacons.sequence,
            policy_version=self._policy_version,
            freshness=self._freshness(),
        )
