"""Which account a device uses at its site's broker: its own, or the lobby's while it is unknown."""

from countersign.carriers import kinds
from countersign_agent.transports.mqtt_accounts import TRIES, MqttAccounts
from countersign_agent.transports.mqtt_codec import MqttError, NotAdmitted, read_connack
from countersign_agent.transports.transport import TransportError


class Account:
    """A transport whose broker knows the account, or does not."""

    def __init__(self, name, known, opened):
        self._name = name
        self._known = known
        self.sent = []
        opened.append(name)

    def connect(self):
        if self._name not in self._known:
            raise NotAdmitted("broker refused the connection, code 5")

    def send(self, kind, payload):
        self.sent.append((kind, payload))

    def receive(self, timeout_ms):
        return None

    def close(self):
        pass


class Bench:
    def __init__(self, *known):
        self.known = list(known)
        self.opened = []
        self.transport = MqttAccounts(
            lambda: Account("own", self.known, self.opened),
            lambda: Account("lobby", self.known, self.opened),
        )

    def refused(self):
        try:
            self.transport.connect()
        except NotAdmitted as error:
            self.at_once = error.at_once
            return True
        return False


def test_a_known_device_uses_its_own_account_and_goes_on_as_it_was():
    bench = Bench("own", "lobby")
    assert bench.transport.connect() is False
    bench.transport.admitted()
    bench.transport.send(kinds.EVIDENCE, b"evidence")
    assert bench.transport.receive(0) is None
    assert bench.opened == ["own"]


def test_an_unknown_device_enrols_in_the_lobby_then_uses_its_own_account():
    bench = Bench("lobby")
    assert bench.refused()
    assert bench.transport.connect() is True
    bench.transport.send(kinds.ENROL, b"request")
    bench.transport.admitted()
    for action in (lambda: bench.transport.send(kinds.EVIDENCE, b""), bench.transport.ask_beacon):
        try:
            action()
        except TransportError:
            continue
        raise AssertionError("goes on in the lobby")
    bench.known.append("own")
    assert bench.transport.connect() is False
    assert bench.opened == ["own", "lobby", "own"]


def test_a_device_that_was_just_admitted_gives_the_gateway_time():
    bench = Bench("lobby")
    assert bench.refused()
    assert bench.transport.connect() is True
    bench.transport.admitted()
    for number in range(TRIES):
        assert bench.refused()
        assert bench.at_once == (number == TRIES - 1)
    assert bench.opened == ["own", "lobby", "own"]
    assert bench.transport.connect() is True
    assert bench.opened == ["own", "lobby", "own", "lobby"]


def test_a_device_that_neither_account_admits_tries_both_in_turn():
    bench = Bench()
    for number in range(4):
        assert bench.refused()
        # No pause between the two of one try, and one between two tries.
        assert bench.at_once == (number % 2 == 0)
    assert bench.opened == ["own", "lobby", "own", "lobby"]


def test_only_a_refused_account_is_a_reason_to_change_it():
    for code in range(1, 6):
        try:
            read_connack(bytes([0, code]))
        except MqttError as error:
            assert isinstance(error, NotAdmitted) == (code in (4, 5))
            continue
        raise AssertionError("accepted")
