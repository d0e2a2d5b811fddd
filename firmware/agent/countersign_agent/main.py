"""Puts the real parts together and runs the agent.

On a host the command is `micropython -m countersign_agent CONFIG.json`. On a board
firmware/start/main.py, or the board's own main.py, contains

    import micropython
    micropython.kbd_intr(-1)
    from countersign_agent import restart
    restart.run("/countersign.json")

This runs `main`, and resets the board if `main` ends by a fault. The first lines switch Ctrl-C off,
because no byte on a device's line may lead to the prompt (service.py).
"""

from countersign import identity
from countersign.proofs import schnorr
from countersign_agent import __version__, sensors
from countersign_agent.agent import Agent
from countersign_agent.config import SERIAL, ConfigError, load_config
from countersign_agent.hardware import device
from countersign_agent.hardware.clock import TicksClock
from countersign_agent.keys import keystore
from countersign_agent.keys.counters import CounterExhausted
from countersign_agent.keys.entropy import EntropyError
from countersign_agent.keys.storage import StorageError
from countersign_agent.report import print_json_line
from countersign_agent.transports import serial_stream

# A device must not run without a sound key store and entropy.
_MUST_NOT_RUN = (keystore.KeyStoreDamaged, StorageError, EntropyError, CounterExhausted)

# What to do next (tools/PROVISIONING.md, "When a row fails").
_PROVISION = "countersign provision"
_NEW_IDENTITY = "revoke the device if it was enrolled, then countersign provision --new-identity"
_NEXT = {
    keystore.KeyStoreDamaged: _NEW_IDENTITY,
    CounterExhausted: _NEW_IDENTITY,
    StorageError: "if it comes again, revoke the device and countersign flash --erase-files",
    EntropyError: "if it comes again, put the board aside",
    ConfigError: "correct the settings, then " + _PROVISION,
}


def main(config_path: str, door=None, turn=None) -> int:
    """Run until revoked, then return 0. Report why and return 2 if the device must not run.

    door, turn: a board's (restart.py). Without them the agent runs at somebody's desk, and Ctrl-C
    ends it where the line is not the terminal.
    """
    try:
        agent = _start(config_path, door, turn)
    except (ConfigError, OSError) + _MUST_NOT_RUN as error:
        _release(door)
        print_json_line("cannot_start", error=type(error).__name__, **_explained(error))
        return 2
    try:
        agent.run()
    except _MUST_NOT_RUN as error:
        print_json_line("stopped", reason=type(error).__name__, **_explained(error))
        return 2
    except KeyboardInterrupt:
        if door is not None:
            raise
        print_json_line("stopped", reason="INTERRUPTED")
    finally:
        _release(door)
    return 0


def _release(door):
    if door is None:
        serial_stream.release()


def _explained(error):
    return {"why": str(error), "do": _NEXT.get(type(error), _PROVISION)}


def _start(config_path, door, turn):
    config = load_config(config_path)
    if door is not None or config.serial_port == serial_stream.USB:
        # A gateway may already be sending, and a frame may hold the byte of Ctrl-C.
        serial_stream.claim()
    else:
        serial_stream.release()
    return build(config, door, turn)


def build(config, door=None, turn=None) -> Agent:
    """The agent of this board. This makes the identity if the board never had one. door, turn: as
    in `main`."""
    if device.is_emulated():
        config.environment = identity.ENVIRONMENT_EMULATED
    key_store, entropy = device.start(device.open_storage(config.storage_folder), config.device_id)
    key_store.identity.self_check = config.self_check
    device_id = key_store.identity.device_id
    print_json_line(
        "started",
        name=config.name,
        software_version=__version__,
        device_id=device_id,
        boot_count=key_store.counters.boot_count,
        environment=config.environment,
        entropy=entropy.sources(),
        engine=schnorr.engine(),
    )
    if key_store.is_new:
        print_json_line("key_made", device_id=device_id, public_key=key_store.identity.public_key)
    clock = TicksClock()
    transport = _serial if config.transport == SERIAL else _mqtt
    return Agent(
        config,
        key_store,
        entropy,
        transport(config, clock, key_store, door),
        clock,
        sensors.read_board,
        print_json_line,
        turn,
    )


def _mqtt(config, clock, key_store, door):
    # Imported only here: a board without a network has no sockets, and memory is scarce.
    from countersign import accounts
    from countersign_agent.hardware import wifi
    from countersign_agent.transports import tcp_stream
    from countersign_agent.transports.mqtt_accounts import MqttAccounts
    from countersign_agent.transports.mqtt_client import MqttClient
    from countersign_agent.transports.mqtt_transport import MqttTransport

    tls_ca = _read(config.tls_ca_path)

    station = None
    if config.wifi_ssid is not None:
        join_ms = config.wifi_join_s * 1000
        station = wifi.Station(
            config.wifi_ssid, config.wifi_password, join_ms, clock, print_json_line
        )

    def open_stream(timeout_ms):
        heard = None
        if station is not None:
            station.join()
            heard = station.worked
        return tcp_stream.open_tcp(
            config.broker_host, config.broker_port, timeout_ms, clock, tls_ca, heard
        )

    own = key_store.identity
    own_name = accounts.username(own.device_id)

    def account(name, client_id, username, password, is_shared=False):
        client = MqttClient(open_stream, clock, client_id, config.keep_alive_s, username, password)
        return MqttTransport(client, config.site, name, is_shared)

    site_key = config.site_account_key
    if site_key is None:
        # Every 3.1.1 broker must accept 23 characters (section 3.1.3.1).
        client_id = "cs-" + own_name[:20]
        return account(own_name, client_id, config.broker_username, config.broker_password)
    try:
        password = own.broker_password(site_key, config.site)
    except ValueError as error:
        raise ConfigError("site_account_key: " + str(error))
    lobby = accounts.lobby_username(own.device_id)
    return MqttAccounts(
        lambda: account(own_name, own_name, own_name, password),
        lambda: account(lobby, lobby, lobby, accounts.lobby_password(site_key, config.site), True),
    )


def _serial(config, clock, key_store, door):
    from countersign_agent.transports.serial_transport import SerialTransport, session_number

    def open_stream(timeout_ms):
        return serial_stream.open_line(
            config.serial_port,
            config.serial_baud,
            config.serial_tx_pin,
            config.serial_rx_pin,
            timeout_ms,
            clock,
            door,
        )

    device_id = key_store.identity.device_id
    return SerialTransport(
        open_stream,
        clock,
        device_id,
        session_number(device_id, key_store.counters.boot_count),
        config.serial_baud,
        config.keep_alive_s,
    )


def _read(path):
    if path is None:
        return None
    with open(path, "rb") as file:
        return file.read()
