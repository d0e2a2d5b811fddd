"""One gateway: builds the stages from the configuration, runs them, stops them.

This is the only file that knows all stages. The threads are: the own broker (if there is one),
MQTT, one for each serial line, reading ahead, the pipeline, anchoring, and the main thread, which
rotates the beacon and waits for a signal (run.py). The ledger may be absent or down at any moment,
also at the start: the gateway goes on serving devices, and each result states how fresh its
knowledge is.
"""

from __future__ import annotations

import dataclasses
import os
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from countersign import messages
from countersign_gateway.config import AnchoringConfig, Config, Endpoint, MqttConfig
from countersign_gateway.control import assembly as control
from countersign_gateway.governance.appraisal import SitePolicy
from countersign_gateway.governance.freshness import UpstreamFreshness
from countersign_gateway.ingress.intake import Intake
from countersign_gateway.ingress.mqtt.account_files import Roster
from countersign_gateway.ingress.mqtt.broker_side import BrokerSide, start_broker_side
from countersign_gateway.ingress.mqtt.client_name import client_id
from countersign_gateway.ingress.mqtt.mqtt_ingress import MqttIngress
from countersign_gateway.ingress.mqtt.own_broker import OwnBroker
from countersign_gateway.ingress.serial_lines.serial_ingress import SerialIngress
from countersign_gateway.operations.alarms import Alarms
from countersign_gateway.operations.clock import since_boot_s, utc_text
from countersign_gateway.operations.log import EventLog
from countersign_gateway.operations.status import RUNNING, STOPPED, StatusWriter
from countersign_gateway.operations.tally import Tally
from countersign_gateway.operations.throttle import ErrorBudget
from countersign_gateway.pipeline.pipeline import Pipeline
from countersign_gateway.pipeline.room import Room
from countersign_gateway.registry.accounts import accounts_of
from countersign_gateway.registry.housekeeping import Housekeeping, Limits
from countersign_gateway.registry.sqlite import SqliteRegistry
from countersign_gateway.serving.beacon_publisher import BeaconPublisher
from countersign_gateway.serving.outlet import DeviceOutlet
from countersign_gateway.statements.keys import SigningKey, read_key_file
from countersign_gateway.verification import codec
from countersign_gateway.verification.beacons import Beacons
from countersign_gateway.verification.challenges import Challenges
from countersign_gateway.verification.read_ahead import ReadAhead
from countersign_gateway.verification.verifier import Verifier

if TYPE_CHECKING:
    from countersign_gateway.anchoring.worker import AnchoringWorker

READY_TIMEOUT_S = 15.0
ANCHORING_INTERVAL_S = 1.0
# Envelopes read ahead of the pipeline: two groups, so that the pipeline never waits for the next.
MAX_EXAMINED = 1024


class Gateway:
    """One running site. `start`, then `tick` a few times a second, then `stop`."""

    def __init__(self, config: Config, log: EventLog) -> None:
        """Open the keys and the registry; start nothing. OperatorError if either is unusable."""
        self._config = config
        self._log = log
        self.tally = Tally()
        self.key = SigningKey.from_file(config.key_file)
        self.registry = SqliteRegistry(config.registry_path, self.key.gateway_id)
        self.alarms = Alarms(log)
        # Called after the set of devices, a status or an admission has changed.
        self.on_change: list[Callable[[], None]] = []
        self.gate = control.made_gate(config, self.registry, self.alarms)
        self.freshness = UpstreamFreshness(
            config.degraded_after_s,
            since_boot_s,
            time.time,
            self.registry.note_upstream,
        )
        self.beacons = Beacons(
            config.verification.beacon_interval_s,
            since_boot_s(),
            # The wall clock only keeps the sequence above earlier runs; no decision uses it.
            first_sequence=max(1, int(time.time())),
        )
        self._intake = Intake()
        self._examined = Intake(MAX_EXAMINED)
        self.outlet = DeviceOutlet(config.site, log)
        policy = SitePolicy(config.policy.policy_version, config.policy.allow_emulated)
        self._housekeeping = Housekeeping(
            self.registry,
            config.registry_path.parent,
            Limits(
                config.registry.keep_days, config.registry.max_bytes, config.registry.reserve_bytes
            ),
            log,
            self.alarms,
            clock_s=since_boot_s,
            wall_s=time.time,
        )
        self._pipeline = self._made_pipeline(config, policy)
        self._serial = SerialIngress(
            lines=config.serial,
            intake=self._intake,
            refuse_early=self._pipeline.refuse_early,
            log=log,
            tally=self.tally,
        )
        self.outlet.attach_serial(self._serial)
        self._publisher = BeaconPublisher(
            signer=self.key,
            beacons=self.beacons,
            freshness=self.freshness.current,
            policy_version=policy.version,
            outlet=self.outlet,
            log=log,
        )
        self._status = StatusWriter(
            config.registry_path.with_name("status.json"), self._read_status, log
        )
        self._state = RUNNING
        self.broker_side: BrokerSide | None = None
        self._mqtt: MqttIngress | None = None
        self._control = control.made_server(
            config,
            self.registry,
            self.gate,
            log,
            on_change=self._changed,
            wake=self._examined.wake,
        )
        self._read_ahead_thread = threading.Thread(
            target=ReadAhead(self.registry.device, log).run,
            args=(self._intake, self._examined),
            name="read-ahead",
            daemon=True,
        )
        self._pipeline_thread = threading.Thread(
            target=self._pipeline.run,
            args=(self._examined,),
            kwargs={"between": self._control.carry_out},
            name="pipeline",
            daemon=True,
        )
        self._anchoring_stop = threading.Event()
        self._anchoring_worker: AnchoringWorker | None = None
        self._anchoring_thread: threading.Thread | None = None
        if config.anchoring is not None:
            self._anchoring_thread = self._made_anchoring_thread(config.anchoring)

    @property
    def broker(self) -> OwnBroker | None:
        """The site's own broker, while it runs."""
        return None if self.broker_side is None else self.broker_side.own

    def start(self, stop_asked: threading.Event | None = None) -> bool:
        """Start all stages. True once devices can connect, False if the broker is not there yet.

        stop_asked: once it is set, nothing waits for the broker any more.
        OperatorError if the own broker cannot run, or a password file is not private.
        """
        self._housekeeping.tick()  # before the first message: the disk may be full already
        broker = None if self._config.mqtt is None else self._connect(self._config.mqtt)
        self._control.start()
        self._pipeline_thread.start()
        self._read_ahead_thread.start()
        if self._mqtt is not None:
            self._mqtt.start()
        # Serial lines need no broker: a device that asks on a line gets an answer before one is up.
        self._publisher.prepare()
        self._serial.start()
        if self._anchoring_thread is not None:
            self._anchoring_thread.start()
        unless = stop_asked or threading.Event()
        ready = self._mqtt is None or self._mqtt.wait_ready(READY_TIMEOUT_S, unless)
        if unless.is_set():
            return ready
        self._log.event(
            "gateway_ready" if ready else "gateway_waiting",
            site=self._config.site,
            gateway_id=self.key.gateway_id,
            public_key=self.key.public_key,
            host=None if broker is None else broker.host,
            port=None if broker is None else broker.port,
        )
        self._status.write()
        return ready

    def tick(self) -> None:
        """Do what is due by time: the beacon's rotation, a change of mode, the status file."""
        now_s = since_boot_s()
        self._publisher.tick(now_s)
        if self.broker_side is not None:
            self.broker_side.tick(now_s)
        if self.gate.window.take_end():
            self._log.event("window_ended", opened_by=self.gate.window.opened_by)
        self._status.tick(now_s)
        self._housekeeping.tick()
        self._log.tell_folded()

    def stop(self) -> None:
        """Finish the messages already taken in, then close. Transports deliver the others again."""
        self._control.stop()
        self._intake.close()
        for thread in (self._read_ahead_thread, self._pipeline_thread):
            if thread.is_alive():
                thread.join(30)
        self._anchoring_stop.set()
        if self._anchoring_thread is not None and self._anchoring_thread.is_alive():
            self._anchoring_thread.join(30)
        self._serial.stop()
        if self._mqtt is not None:
            self._mqtt.stop()
        if self.broker_side is not None:
            self.broker_side.stop()
        self._state = STOPPED
        self._status.write()
        self.registry.close()
        self._log.tell_folded(at_once=True)
        self._log.event("gateway_stopped")

    # Putting together ------------------------------------------------------------------------

    def _made_pipeline(self, config: Config, policy: SitePolicy) -> Pipeline:
        challenges = Challenges(config.verification.challenge_ttl_s, since_boot_s())
        ledger = config.anchoring
        return Pipeline(
            key=self.key,
            verifier=Verifier(self.key.gateway_id, self.beacons, challenges, since_boot_s),
            challenges=challenges,
            policy=policy,
            gate=self.gate,
            ledger=None if ledger is None else (ledger.chain_id, ledger.device_registry),
            freshness=self.freshness.current,
            registry=self.registry,
            outlet=self.outlet,
            log=self._log,
            tally=self.tally,
            budget=ErrorBudget(since_boot_s),
            room=Room(
                config.registry.device_bytes_per_day, self._housekeeping.has_room, since_boot_s
            ),
            alarms=self.alarms,
            on_change=self._changed,
            repute=self._intake.repute,
        )

    def _changed(self) -> None:
        for call in self.on_change:
            call()

    def _made_anchoring_thread(self, config: AnchoringConfig) -> threading.Thread:
        # Imported here: a site without a ledger need neither install nor load the EVM libraries.
        from countersign_gateway.anchoring.assembly import anchoring_worker

        worker = self._anchoring_worker = anchoring_worker(
            config,
            registry=self.registry,
            signer=self.key,
            log=self._log,
            alarms=self.alarms,
            on_contact=self.freshness.confirmed,
            on_reply=self.outlet.send_receipt,
            degraded_after_s=self._config.degraded_after_s,
        )
        return threading.Thread(
            target=worker.run,
            args=(
                self._anchoring_stop,
                min(ANCHORING_INTERVAL_S, config.batch_age_s, config.poll_interval_s),
            ),
            name="anchoring",
            daemon=True,
        )

    def _connect(self, config: MqttConfig) -> Endpoint:
        """Make the MQTT ingress; start the own broker if there is one. Where devices connect."""
        self.broker_side = side = start_broker_side(
            config,
            self._config.site,
            self._config.registry_path.with_name("broker"),
            Roster(
                mark=self.registry.account_mark,
                devices=lambda: accounts_of(self.registry),
                strangers=lambda: self.gate.hears_strangers,
            ),
            self._log,
            self.alarms,
        )
        self._mqtt = MqttIngress(
            endpoint=side.address,
            site=self._config.site,
            client_id=client_id(read_key_file(self._config.key_file)),
            intake=self._intake,
            refuse_early=self._pipeline.refuse_early,
            named_device=codec.named_device,
            log=self._log,
            tally=self.tally,
            username=side.username,
            password=side.password,
            tls=side.tls,
            inner=side.inner,
            on_connected=self._publisher.publish,
        )
        self.outlet.attach_mqtt(self._mqtt)
        return side.address

    def _read_status(self) -> dict[str, object]:
        freshness = self.freshness.current()
        last_upstream_s = self.registry.last_upstream_s()
        anchoring = self._anchoring_worker
        not_since_s = None if anchoring is None else anchoring.not_anchoring_since_s
        status: dict[str, object] = dataclasses.asdict(self.tally)
        status.update(
            state=self._state,
            pid=os.getpid(),
            site=self._config.site,
            gateway_id=self.key.gateway_id.hex(),
            mode=messages.MODE_NAMES[freshness.mode],
            age_s=freshness.age_s,
            last_upstream=None if last_upstream_s is None else utc_text(last_upstream_s),
            not_anchoring_since=None if not_since_s is None else utc_text(not_since_s),
            queued=len(self._intake) + len(self._examined),
            registry=dataclasses.asdict(self.registry.counts()),
            disk=self._housekeeping.status(),
            time=utc_text(time.time()),
            enrolment={**self.gate.status(), "waiting": len(self.gate.waiting())},
            alarms=self.alarms.status(),
        )
        if self.broker is not None:
            status["broker"] = self.broker.status()
        return status
