"""The site's own broker: Mosquitto, which the gateway starts, configures, watches and stops.

A thread starts the program, hears what it says, and starts it again after a pause if it ends or
outgrows its memory. The gateway's `tick` gives accounts to the devices that the gateway came to
know, and takes them from those that it revoked.
"""

from __future__ import annotations

import os
import secrets
import select
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

from countersign_gateway.config import Endpoint
from countersign_gateway.ingress.mqtt import broker_rules
from countersign_gateway.ingress.mqtt.account_book import CHECKERS, AccountBook, password_line
from countersign_gateway.ingress.mqtt.account_files import AccountFiles, Roster
from countersign_gateway.ingress.mqtt.broker_rules import BrokerFiles
from countersign_gateway.ingress.mqtt.connection_watch import ConnectionWatch
from countersign_gateway.ingress.mqtt.filter_watch import FilterWatch
from countersign_gateway.ingress.mqtt.inner_way import SOCKET_NAME, InnerWay
from countersign_gateway.ingress.mqtt.mosquitto_process import (
    BrokerUnusable,
    MosquittoProcess,
    check_free,
    connection_budget,
    machine_bytes,
    meaning,
    not_let_in,
)
from countersign_gateway.ingress.mqtt.mosquitto_program import mosquitto_program
from countersign_gateway.ingress.mqtt.private_file import private_folder, replace_private
from countersign_gateway.operations.alarms import Alarms
from countersign_gateway.operations.log import EventLog

WATCHER = "watcher"
START_TIMEOUT_S = 10.0
BACKOFF_S = (0.5, 30.0)
STEADY_S = 60.0  # a broker that ran for this long starts again without a pause
RENEW_S = 30 * 86400.0
LOOK_S = 1.0
LOOK_MS = 1000
STARTING_MS = 20
# Bounds of what a client can make it keep are far below; a broker above this is made anew.
MAX_RESIDENT_BYTES = broker_rules.MAX_HEAP_BYTES
MAX_LINE_BYTES = 4096
NOT_LET_IN = "code 5: not admitted, no window open, revoked, or another site_account_key"


class OwnBroker:
    """`start`, then `tick` a few times a second, then `stop`."""

    def __init__(
        self,
        *,
        listen: Endpoint,
        site: str,
        folder: Path,
        book: AccountBook,
        roster: Roster,
        log: EventLog,
        alarms: Alarms,
        issue: Callable[[], tuple[str, str]] | None = None,
    ) -> None:
        """issue: makes a key and a certificate (PEM); with it, devices connect by TLS.

        MosquittoMissing if there is no such program. Nothing is written or started yet.
        """
        self._program = mosquitto_program()
        self._listen = listen
        self._files = BrokerFiles(folder)
        self._log = log
        self._alarms = alarms
        self._issue = issue
        self._issued_s = 0.0
        # The gateway's account is made anew for each process, and is in no file but the hashed one.
        self._way = InnerWay.anew(folder)
        self._listens = False  # whether the present process does
        self._watcher_password = secrets.token_urlsafe(32)
        self._watcher_line = password_line(WATCHER, self._watcher_password)
        self._accounts = AccountFiles(self._files, site, book, roster, [self._watcher_line])
        self._site = site
        self._watch = self._made_watch()
        self._took_out = False  # whether an account went out while the present process ran
        tls = issue is not None
        most = broker_rules.most_connections(tls, machine_bytes())
        self._connections = connection_budget(most)
        self._tls_bytes = self._connections * broker_rules.TLS_CONNECTION_BYTES if tls else 0
        self._connected = ConnectionWatch(self._connections, alarms)
        self._lock = threading.Lock()
        self._process: MosquittoProcess | None = None
        self._stop_asked = threading.Event()
        self._listening = threading.Event()
        self._failure: BrokerUnusable | None = None
        self._said: deque[str] = deque(maxlen=5)
        self._thread = threading.Thread(target=self._run, name="broker", daemon=True)
        self.restarts = 0
        self.refused = 0  # clients that were not let in

    def start(self) -> Endpoint:
        """Return its address once it listens. BrokerUnusable if it does not."""
        self._listen = check_free(self._listen)
        private_folder(self._files.folder)
        watcher = self._files.folder / "watcher.password"
        replace_private(watcher, [self._watcher_password + "\n"])
        self._renew(time.monotonic())
        settings = broker_rules.settings(
            self._files, self._listen, self._connections, self._issue is not None, SOCKET_NAME
        )
        replace_private(self._files.settings, [settings])
        self._accounts.write()
        self._thread.start()
        if not self._listening.wait(START_TIMEOUT_S) or self._failure is not None:
            self.stop()
            raise self._failure or BrokerUnusable("the broker does not listen in time")
        return self._listen

    def way(self) -> InnerWay | None:
        """How the gateway gets in; None while no process of ours listens. Safe from any thread."""
        with self._lock:
            process = self._process
            up = self._listens and process is not None and process.running()
            return self._way if up else None

    def tick(self, now_s: float) -> None:
        """Write anew what changed or is due: accounts, certificate. now_s: monotonic seconds."""
        changed = self._accounts.tick(now_s)
        if self._issue is not None and now_s - self._issued_s >= RENEW_S:
            self._renew(now_s)
            changed = True
        if changed:
            with self._lock:
                if self._process is not None:
                    self._process.read_files_again()

    def stop(self) -> None:
        self._stop_asked.set()
        with self._lock:
            if self._process is not None:
                self._process.stop()
        if self._thread.is_alive():
            self._thread.join(START_TIMEOUT_S)

    def status(self) -> dict[str, object]:
        """For the status file."""
        with self._lock:
            running = self._process is not None and self._process.running()
        return {
            "running": running,
            "restarts": self.restarts,
            "refused": self.refused,
            "accounts": self._accounts.devices,
            "connections": self._connected.now,
            "most_connections": self._connections,
            "host": self._listen.host,
            "port": self._listen.port,
            "tls": self._issue is not None,
        }

    def _renew(self, now_s: float) -> None:
        if self._issue is None:
            if not self._listen.is_local:
                self._log.event("broker_in_the_clear", host=self._listen.host)
            return
        key, certificate = self._issue()
        replace_private(self._files.key, [key])
        replace_private(self._files.certificate, [certificate])
        self._issued_s = now_s

    # The broker's thread ---------------------------------------------------------------------

    def _run(self) -> None:
        pause_s = BACKOFF_S[0]
        while not self._stop_asked.is_set():
            begun_s = time.monotonic()
            try:
                self._serve()
            except BrokerUnusable as error:
                self._failure = error
                self._log.event("broker_unusable")
            except OSError as error:
                self._log.fault("broker_fault", error)
            if self._stop_asked.is_set():
                return
            if not self._listening.is_set():
                # It never listened: whoever starts the gateway learns why.
                self._failure = self._failure or self._refusal()
                self._listening.set()
                return
            # What a culprit did, who is out now, is not made worse by a long pause.
            steady = self._took_out or time.monotonic() - begun_s > STEADY_S
            pause_s = BACKOFF_S[0] if steady else pause_s
            self._log.event("broker_restarting", pause_s=pause_s)
            self._stop_asked.wait(pause_s)
            pause_s = min(2 * pause_s, BACKOFF_S[1])
            self.restarts += 1

    def _serve(self) -> None:
        """Run one process from its start to its end."""
        with self._lock:
            if self._stop_asked.is_set():
                return
            self._admit_gateway()
            process = MosquittoProcess(self._program, self._files.settings, self._connections)
            self._process = process
            self._took_out = False
        try:
            self._hear(process)
        finally:
            with self._lock:
                self._listens = False
                process.stop()
            process.close()
        if not self._stop_asked.is_set():
            self._log.event("broker_ended", status=process.exit_status())

    def _admit_gateway(self) -> None:
        """Give the gateway an account that nobody can have heard of."""
        self._way = way = InnerWay.anew(self._files.folder)
        way.clear()
        self._watch = self._made_watch()
        more = [password_line(way.username, way.password), self._watcher_line]
        self._accounts.write_gateway(more, way.username, WATCHER)

    def _made_watch(self) -> FilterWatch:
        return FilterWatch(self._site, frozenset((self._way.username, WATCHER, *CHECKERS)))

    def _hear(self, process: MosquittoProcess) -> None:
        heard = b""
        listens = False
        looked_s = 0.0
        os.set_blocking(process.output, False)
        poller = select.poll()
        poller.register(process.output, select.POLLIN)
        while True:
            if poller.poll(LOOK_MS if listens else STARTING_MS):
                data = os.read(process.output, MAX_LINE_BYTES)
                if not data:
                    return
                *lines, heard = (heard + data).split(b"\n")
                heard = heard[:MAX_LINE_BYTES]
                for line in lines:
                    self._take_line(line.decode("utf-8", "replace"), listens)
            if not listens and self._accepts():
                listens = True
                with self._lock:
                    self._listens = True
                self._log.event("broker_listening", host=self._listen.host, port=self._listen.port)
                self._listening.set()
            now_s = time.monotonic()
            if now_s - looked_s >= LOOK_S:
                looked_s = now_s
                resident = process.resident_bytes()
                self._connected.look(process.open_files())
                if resident > MAX_RESIDENT_BYTES + self._tls_bytes:
                    self._log.event("broker_too_large", resident_bytes=resident)
                    return

    def _take_line(self, line: str, listens: bool) -> None:
        subscription = self._watch.subscription(line)
        if subscription is not None:
            if not self._watch.allows(*subscription):
                self._take_out(subscription[0])
            return
        refused, device = not_let_in(line)
        if refused:
            self.refused += 1
            self._log.event("broker_refused_client", device_id=device, why=NOT_LET_IN)
        what = meaning(line)
        if not listens:
            # No client was there yet, so the line can quote none.
            if what != "":
                self._said.append(line.partition(": ")[2] or line)
        elif what != "":
            self._log.event("broker_says", what=what or "other")

    def _take_out(self, account: str) -> None:
        """An account that asks for what is not its own loses its session, and comes back later."""
        duration_s = self._accounts.take_out(account, time.monotonic())
        if duration_s is None:
            return
        with self._lock:
            if self._process is not None:
                self._process.read_files_again()
        self._took_out = True
        self._alarms.sound("account_taken_out", account=account, seconds=int(duration_s))

    def _accepts(self) -> bool:
        try:
            self._way.connect(1.0).close()
        except OSError:
            return False
        return True

    def _refusal(self) -> BrokerUnusable:
        said = next((line for line in reversed(self._said) if "Error" in line), None)
        said = said or (self._said[-1] if self._said else "it gives no reason")
        return BrokerUnusable(
            f"the broker does not start on {self._listen.host}:{self._listen.port}: {said}"
        )
