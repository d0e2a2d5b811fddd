"""One device, connected to a site in memory. A test drives it step by step."""

from countersign_agent.agent import Agent
from countersign_agent.config import Config
from countersign_agent.keys import keystore
from countersign_agent.keys.entropy import EntropyPool
from countersign_agent.keys.stored_records import StoredRecords
from support.agent.memory_site import (
    GATEWAY_KEY,
    SITE,
    Broker,
    Clock,
    Gateway,
    Storage,
    Transport,
)
from support.agent.noise import Noise

INTERVAL_MS = 5000


def settings(**changes):
    """The smallest configuration, as a dict like that of the JSON file."""
    values = {
        "site": SITE,
        "gateway_public_key": "".join(["%02x" % byte for byte in GATEWAY_KEY]),
        "broker_host": "127.0.0.1",
        "storage_folder": "nowhere",
        "environment": "emulated",
        "check_in_interval_ms": INTERVAL_MS,
        "result_timeout_ms": 2000,
    }
    values.update(changes)
    return values


class Rig:
    """clock, broker, gateway, storage and the agent. `events`: the agent's log."""

    def __init__(self, **changes):
        self.clock = Clock()
        self.broker = Broker(self.clock)
        self.gateway = Gateway(self.broker)
        self.storage = Storage()
        self.events = []
        self.config = Config(settings(**changes))
        self.boots = 0
        self.boot()

    def boot(self):
        """Start the device, or start it again. Only the storage and the site survive."""
        self.boots += 1
        noise = Noise(b"device, boot " + str(self.boots).encode())
        records = StoredRecords(self.storage)
        counters = keystore.load_counters(records)
        entropy = EntropyPool(noise.urandom, noise.ticks_us, records, counters.boot_count)
        self.key_store = keystore.open_key_store(records, counters, entropy)
        self.device_id = self.key_store.identity.device_id
        self.transport = Transport(self.broker)
        self.agent = Agent(
            self.config,
            self.key_store,
            entropy,
            self.transport,
            self.clock,
            lambda: {"temperature": 21},
            self.report,
        )

    def report(self, event, **fields):
        self.events.append((event, fields))

    def run_for(self, duration_ms):
        """Step until `duration_ms` of the site's time has passed, or the agent stopped."""
        end_ms = self.clock.ms + duration_ms
        while self.clock.ms < end_ms:
            if not self.agent.step():
                return

    def run_until(self, event, count=1, most_steps=2000):
        """Step until the agent has reported `event` `count` times in all. Fails if it does not."""
        for _ in range(most_steps):
            if len(self.all(event)) >= count:
                return self.all(event)[-1]
            self.agent.step()
        raise AssertionError("no " + event + " in " + str(self.names()))

    def all(self, event):
        return [fields for name, fields in self.events if name == event]

    def names(self):
        return [name for name, _ in self.events]
