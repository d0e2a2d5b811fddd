"""Wi-Fi, for boards that have it. The agent joins before each connection."""

from countersign_agent.transports.transport import TransportError

_POLL_MS = 100


def join(ssid: str, password: str, timeout_ms: int, clock) -> None:
    """Join the network, or return at once if it is joined. password: None for an open network.

    Raises TransportError if that takes too long, or if this board has no Wi-Fi.
    """
    try:
        import network  # only here: most builds have none
    except ImportError:
        raise TransportError("this board has no Wi-Fi")
    try:
        station = network.WLAN(network.STA_IF)
        station.active(True)
        if station.isconnected():
            return
        # An earlier attempt that is still under way would make the new one fail.
        station.disconnect()
        station.connect(ssid, password)
        deadline_ms = clock.now_ms() + timeout_ms
        while not station.isconnected():
            if clock.now_ms() >= deadline_ms:
                raise TransportError("Wi-Fi not joined: status " + str(station.status()))
            clock.sleep_ms(_POLL_MS)
    except OSError as error:
        raise TransportError("Wi-Fi fails: " + str(error))
