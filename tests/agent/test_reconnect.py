"""Losing and finding the broker."""

from countersign_agent.backoff import Backoff
from countersign_agent.transports.transport import TransportError
from support.agent.noise import Noise
from support.agent.rig import Rig


def test_it_is_seen_to_come_and_to_go():
    rig = Rig()
    rig.run_until("connected")
    assert rig.broker.presence == [True]
    rig.agent.close()
    assert rig.broker.presence == [True, False]
    assert not rig.all("closed_without_goodbye")


def test_a_goodbye_that_cannot_be_said_is_reported():
    rig = Rig()
    rig.run_until("connected")
    rig.broker.is_up = False
    rig.agent.close()
    assert rig.all("closed_without_goodbye") == [{"why": "session lost"}]


def test_comes_back_after_the_broker_was_away():
    rig = Rig()
    rig.run_until("verdict", 2)
    rig.broker.is_up = False
    rig.run_for(60000)
    assert rig.all("reconnecting")
    rig.broker.is_up = True
    rig.gateway.publish_beacon()
    rig.run_until("connected", 2)
    rig.run_until("verdict", 3)
    assert not rig.all("refused"), "evidence was made with a beacon from before the loss"


def test_waits_longer_after_each_failure_and_with_jitter():
    rig = Rig()
    rig.broker.is_up = False
    rig.run_until("reconnecting", 12)
    delays = [fields["delay_ms"] for fields in rig.all("reconnecting")]
    ceiling = 500
    for delay in delays:
        assert ceiling // 2 <= delay <= ceiling, delays
        ceiling = min(2 * ceiling, 60000)
    assert len(set(delays)) > 8, "no jitter"


def test_no_pause_comes_before_another_way_that_the_transport_has():
    rig = Rig()

    def refused():
        error = TransportError("not this way")
        error.at_once = len(rig.all("reconnecting")) % 2 == 0
        raise error

    rig.transport.connect = refused
    rig.run_until("reconnecting", 6)
    delays = [fields["delay_ms"] for fields in rig.all("reconnecting")]
    for number, delay in enumerate(delays):
        assert delay == 0 if number % 2 == 0 else delay >= 250


def test_a_session_that_carries_verdicts_resets_the_backoff():
    rig = Rig()
    rig.broker.is_up = False
    rig.run_until("reconnecting", 10)
    rig.broker.is_up = True
    rig.run_until("verdict", 2)
    rig.broker.is_up = False
    rig.run_until("reconnecting", 11)
    assert rig.all("reconnecting")[-1]["delay_ms"] <= 500


def test_backoff_stays_between_its_bounds():
    backoff = Backoff(10, 100, Noise())
    delays = [backoff.next_ms() for _ in range(50)]
    assert min(delays) >= 5 and max(delays) <= 100
    assert min(delays[10:]) >= 50
    backoff.reset()
    assert backoff.next_ms() <= 10
