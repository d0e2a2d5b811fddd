"""The parts of the demonstration, all real: a chain, a gateway, and devices on MicroPython."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from countersign.carriers import framing, kinds
from countersign_cli import site_folder
from countersign_gateway.control import client
from countersign_gateway.ingress.mqtt.account_book import AccountBook
from countersign_gateway.ingress.mqtt.own_broker import WATCHER
from countersign_workshop.checkout import ROOT
from countersign_workshop.child_processes.events import Event, Events, Stuck
from countersign_workshop.child_processes.process import Child
from countersign_workshop.demo.network import Attacker
from countersign_workshop.emulation.emulated_board import EmulatedBoard, for_gateway
from countersign_workshop.ledger.chain import DevChain
from countersign_workshop.parts import micropython

SITE_NAME = "store-0042"
DEVICE_NAMES = (
    "door",
    "freezer",
    "scale",
    "till",
    "camera",
    "shelf",
    "oven",
    "scanner",
    "monitor",
)
CHECK_IN_INTERVAL_MS = 700
BEACON_INTERVAL_S = 5.0
DEGRADED_AFTER_S = 2.0
BATCH_AGE_S = 1.0


# On an emulated processor everything may take this many times as long as on this machine's own.
BOARD_PATIENCE = 10
BOARD_CHECK_IN_INTERVAL_MS = 2000  # in the board's own time
PATIENCE_S = 60.0


@dataclass
class Device:
    """One emulated device: a MicroPython virtual machine or board, with storage of its own."""

    name: str
    folder: Path
    child: Child | EmulatedBoard | None = None
    device_id: bytes = field(default=b"")
    evidence_on_line: list[bytes] = field(default_factory=list)


class Cast:
    """Starts and stops the parts. Leaving the context ends all of them, in order."""

    def __init__(self, folder: Path, devices: int, board: str | None = None) -> None:
        self.site = SITE_NAME
        self.board = board
        self.events = Events()
        self.devices = [Device(name, folder / name) for name in DEVICE_NAMES[:devices]]
        self._patience_s = PATIENCE_S * (1 if board is None else BOARD_PATIENCE)
        self._boards: list[EmulatedBoard] = []
        self.gateway_id = b""
        self.gateway_account = ""
        self.broker_host = ""
        self.broker_port = 0
        self._folder = folder
        self._chain = DevChain(folder / "chain")
        self._gateway: Child | None = None
        self._gateway_public_key = ""
        self._site_account_key = b""
        self._site: site_folder.Site | None = None
        self.contracts: dict[str, str] = {}

    def __enter__(self) -> Cast:
        if self.board is not None:
            try:
                for device in self.devices:
                    self._boards.append(self._board(self.board, device))
            except BaseException:
                self.stop_devices()
                raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if isinstance(error, Stuck):
            self._print_last_words()
        self.stop_devices()
        self.stop_gateway()
        self._chain.stop()

    # ---- the ledger ------------------------------------------------------------------------

    @property
    def chain_id(self) -> int:
        return self._chain.chain_id

    @property
    def rpc_url(self) -> str:
        return self._chain.rpc_url

    def start_chain(self) -> None:
        """Start the chain with its contracts, and make a site whose gateway may register
        devices."""
        self._chain.start()
        self.contracts = self._chain.deploy()
        self._site = site_folder.create_site(
            self._folder / "site",
            SITE_NAME,
            listen="127.0.0.1:0",
            lines=[board.serial_url for board in self._boards],
            allow_emulated=True,
            beacon_interval_s=BEACON_INTERVAL_S,
            degraded_after_s=DEGRADED_AFTER_S,
            owner=self._chain.owner(),
            ledger=site_folder.LedgerAddresses(
                rpc_urls=[self._chain.rpc_url],
                chain_id=self._chain.chain_id,
                commitment_log=_bytes(self.contracts["CommitmentLog"]),
                device_registry=_bytes(self.contracts["DeviceID"]),
                batch_age_s=BATCH_AGE_S,
                blocks="on_demand",
            ),
        )
        self._chain.admit_gateway(self._site.ledger_account)
        self.gateway_id = self._site.gateway_id
        self._site_account_key = self._site.site_account_key or b""
        self.gateway_account = "0x" + self._site.ledger_account.hex()

    def cut_chain(self) -> None:
        self._chain.stop()

    def restore_chain(self) -> None:
        self._chain.start()

    # ---- the gateway -----------------------------------------------------------------------

    @property
    def registry_path(self) -> Path:
        return self._folder / "site" / "registry.sqlite3"

    @property
    def gateway_key_path(self) -> Path:
        return self._folder / "site" / site_folder.GATEWAY_KEY_NAME

    def start_gateway(self) -> None:
        if self._site is None:
            raise RuntimeError("the site is made with the chain")
        self._gateway = Child(
            "gateway",
            [
                *(sys.executable, "-m", "countersign_cli.cli"),
                *("gateway", "run", "--config", self._site.config_path),
            ],
            on_line=self.events.listener("gateway"),
        )
        ready = self.wait_until(
            "the gateway",
            lambda: self.events.select("gateway_ready", source="gateway"),
        )[0]
        self.broker_host, self.broker_port = ready["host"], ready["port"]
        self._gateway_public_key = ready["public_key"]
        self.wait_until(
            "the gateway to reach the ledger",
            lambda: self.events.select("mode_changed", source="gateway", mode="online"),
        )

    def wait_for_gateway(self, name: str, **wanted: Any) -> Event:
        """The first such event of the gateway."""
        found: list[Event] = self.wait_until(
            f"{name} of the gateway",
            lambda: self.events.select(name, source="gateway", **wanted),
        )
        return found[0]

    def stop_gateway(self) -> None:
        if self._gateway is not None:
            self._gateway.stop()
            self._gateway = None

    def wait_until_all_is_anchored(self) -> None:
        """Wait until everything that the gateway acknowledged is final on the ledger."""

        def all_anchored() -> bool:
            status = json.loads((self._folder / "site" / "status.json").read_text())
            counts: dict[str, int] = status["registry"]
            return counts["anchored"] == counts["commitments"] and counts["outbox_open"] == 0

        # The last message may still be under way while the status says that nothing is.
        self.wait_until("the backlog to be anchored", all_anchored)
        time.sleep(1.5)
        self.wait_until("the backlog to be anchored", all_anchored)

    # ---- the devices -----------------------------------------------------------------------

    def start_devices(self) -> None:
        if self.board is not None:
            self._start_boards()
            return
        modules = [ROOT / "firmware/lib", ROOT / "firmware/agent"]
        for device in self.devices:
            device.folder.mkdir(parents=True)
            config = device.folder / "config.json"
            config.write_text(
                json.dumps(
                    {
                        "name": device.name,
                        "site": SITE_NAME,
                        "gateway_public_key": self._gateway_public_key,
                        "broker_host": self.broker_host,
                        "broker_port": self.broker_port,
                        "site_account_key": self._site_account_key.hex(),
                        "storage_folder": str(device.folder / "storage"),
                        "check_in_interval_ms": CHECK_IN_INTERVAL_MS,
                        "environment": "emulated",
                    }
                ),
                encoding="utf-8",
            )
            device.child = Child(
                device.name,
                [*micropython.argv(), "-m", "countersign_agent", config],
                on_line=self.events.listener(device.name),
                environment=micropython.environment(modules),
            )

    def admit(self, device: Device, public_key: str) -> None:
        """Admit the device at the running gateway, as `countersign device admit` does."""
        if self._site is None:
            raise RuntimeError("the site is made with the chain")
        client.ask(self._site.config_path, "admit", {"public_key": public_key, "name": device.name})

    def stop_devices(self) -> None:
        for device in self.devices:
            if device.child is not None:
                device.child.stop()
                device.child = None
        for board in self._boards:
            board.stop()
        self._boards.clear()

    @property
    def site_account_key(self) -> bytes:
        """The public half, which every device of the site has in its settings."""
        if self._site is None or self._site.site_account_key is None:
            raise RuntimeError("the site is made with the chain, and has a broker")
        return self._site.site_account_key

    def attacker(self, victim: Device) -> Attacker:
        """Somebody who has taken the site's broker over and speaks by the victim's account."""
        made = self.wait_for(victim, "key_made")
        site = self._folder / "site"
        book = AccountBook.from_file(site / site_folder.SITE_ACCOUNT_KEY_NAME, SITE_NAME)
        watcher = (site / "broker/watcher.password").read_text(encoding="ascii").strip()
        return Attacker(
            self.broker_host,
            self.broker_port,
            SITE_NAME,
            (WATCHER, watcher),
            (victim.device_id.hex(), book.password(bytes.fromhex(made["public_key"]))),
        )

    def captured(self, device: Device, attacker: Attacker) -> list[bytes]:
        """The device's evidence as its broker sees it, or anybody with access to its cable."""
        if self.board is not None:
            return list(device.evidence_on_line)
        return attacker.captured(device.device_id, "evidence")

    def _board(self, kind: str, device: Device) -> EmulatedBoard:
        frames = framing.FrameReader()

        def listen(data: bytes) -> None:
            device.evidence_on_line += [
                frame.payload for frame in frames.feed(data) if frame.kind == kinds.EVIDENCE.frame
            ]

        return EmulatedBoard(
            kind, device.folder, on_line=self.events.listener(device.name), on_bytes=listen
        )

    def _start_boards(self) -> None:
        public_key = bytes.fromhex(self._gateway_public_key)
        for device, board in zip(self.devices, self._boards, strict=True):
            board.configure(
                for_gateway(
                    SITE_NAME,
                    public_key,
                    device.name,
                    check_in_interval_ms=BOARD_CHECK_IN_INTERVAL_MS,
                )
            )
            board.power_on()
            device.child = board

    def wait_for(self, device: Device, name: str, since: int = 0, **wanted: Any) -> Event:
        """The first such event of the device since the mark."""
        found: list[Event] = self.wait_until(
            f"{name} of {device.name}",
            lambda: self.events.select(name, since, source=device.name, **wanted),
        )
        return found[0]

    def wait_for_verdict_of_age(self, device: Device, since: int, least_age_s: int) -> Event:
        """The first degraded verdict since the mark whose age is at least `least_age_s`."""

        def found() -> Event | None:
            for event in self.events.select("verdict", since, source=device.name, mode="degraded"):
                if event["age_s"] is not None and event["age_s"] >= least_age_s:
                    return event
            return None

        event: Event = self.wait_until(f"an older verdict of {device.name}", found)
        return event

    def wait_for_receipts(self, device: Device, counters: set[int]) -> None:
        """Wait until the device itself has verified a receipt for each of these messages."""

        def all_there() -> bool:
            receipts = self.events.select("receipt_verified", source=device.name)
            return counters <= {event["counter"] for event in receipts}

        self.wait_until(f"receipts of {device.name}", all_there)

    def wait_until(self, what: str, found: Callable[[], Any]) -> Any:
        """The first true value of `found()`. Stuck if it takes too long or a part has ended."""
        return self.events.wait(what, found, self._patience_s, self._all_alive)

    # ---- when something is wrong -----------------------------------------------------------

    def _all_alive(self) -> None:
        children = [self._gateway, *(device.child for device in self.devices)]
        for child in children:
            if child is not None and not child.running():
                raise Stuck(f"{child.name} has ended: {child.tail()}")

    def _print_last_words(self) -> None:
        for child in [self._gateway, *(device.child for device in self.devices)]:
            if child is not None:
                print(f"--- last lines of {child.name}\n{child.tail()}", file=sys.stderr)


def _bytes(address: str) -> bytes:
    return bytes.fromhex(address.removeprefix("0x"))
