"""Wi-Fi, for boards that have it. The agent joins before each connection."""

from countersign_agent.transports.transport import TransportError

_POLL_MS = 100


# After so many connections over which nothing came, the radio is switched off and on: a driver can
# say "joined" of a network that passes nothing any more.
RESET_AFTER = 5


class Station:
    """This board's part in one network. password: None for an open network, or 64 hexadecimal
    digits for a key in place of a passphrase. join_ms: how long a join may take."""

    def __init__(self, ssid: str, password: str, join_ms: int, clock, report):
        self._ssid = ssid
        self._password = password
        self._join_ms = join_ms
        self._clock = clock
        self._report = report
        self._tries = 0

    def worked(self) -> None:
        """Something came over a connection."""
        self._tries = 0

    def join(self) -> None:
        """Join the network, or return at once if it is joined. Call this before each connection.

        Raises TransportError if that takes too long, or if this board has no Wi-Fi.
        """
        try:
            import network  # only here: most builds have none
        except ImportError:
            raise TransportError("this board has no Wi-Fi")
        try:
            self._join(network.WLAN(network.STA_IF))
        except OSError as error:
            raise TransportError("Wi-Fi fails: " + str(error))

    def _join(self, station):
        self._tries += 1
        if self._tries > RESET_AFTER:
            self._report("wifi_reset", tries=RESET_AFTER)
            self._tries = 1
            station.active(False)
        station.active(True)
        if station.isconnected():
            return
        # An earlier attempt that is still under way would make the new one fail.
        station.disconnect()
        station.connect(self._ssid, self._password)
        deadline_ms = self._clock.now_ms() + self._join_ms
        while not station.isconnected():
            if self._clock.now_ms() >= deadline_ms:
                raise TransportError("Wi-Fi not joined: status " + str(station.status()))
            self._clock.sleep_ms(_POLL_MS)
