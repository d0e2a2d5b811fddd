"""The intake: each sender in turn, bounded in all and for each, so that a flood delays itself."""

from __future__ import annotations

import pytest

from countersign_gateway.ingress.intake import MAX_OF_ILL_REPUTE, MAX_OF_ONE, Intake
from countersign_gateway.ingress.repute import IN_A_ROW, MAX_SENDERS, Repute
from countersign_gateway.model import BROKER, Envelope

FLOODER, HONEST = b"\x01" * 32, b"\x02" * 32


def envelope(
    device_id: bytes | None,
    payload: bytes = b"x",
    origin: str = BROKER,
    account: str | None = None,
) -> Envelope:
    return Envelope(device_id, "evidence", payload, lambda: None, origin=origin, account=account)


def numbered(device_id: bytes, count: int) -> list[Envelope]:
    return [envelope(device_id, b"%d" % number) for number in range(count)]


@pytest.mark.parametrize("whole", [False, True], ids=["put", "put_all"])
def test_who_comes_behind_a_flood_is_taken_in_the_next_turn(whole: bool) -> None:
    intake = Intake()

    def fill(envelopes: list[Envelope]) -> None:
        if whole:
            intake.put_all(envelopes)
        else:
            assert all(intake.put(one) for one in envelopes)

    flood, honest = numbered(FLOODER, 400), numbered(HONEST, 2)
    fill(flood)
    assert intake.take(10, 0.0) == flood[:10]
    fill(honest)
    assert intake.take(4, 0.0) == [flood[10], honest[0], flood[11], honest[1]]
    assert intake.take(1000, 0.0) == flood[12:]
    assert len(intake) == 0


def test_each_of_many_has_one_turn_in_a_round_and_keeps_its_own_order() -> None:
    intake = Intake()
    senders = [bytes([number]) * 32 for number in range(1, 6)]
    for sender in senders:
        intake.put_all(numbered(sender, 20))
    rounds = [intake.take(5, 0.0) for _ in range(20)]
    assert [[one.device_id for one in taken] for taken in rounds] == [senders] * 20
    assert [[one.payload for one in taken] for taken in rounds] == [
        [b"%d" % number] * 5 for number in range(20)
    ]


def test_what_names_no_device_has_a_turn_for_each_origin() -> None:
    intake = Intake()
    flood = [envelope(None) for _ in range(MAX_OF_ONE)]
    intake.put_all(flood)
    of_line = envelope(None, origin="/dev/ttyACM0")
    assert not intake.put(envelope(None))
    assert intake.put(of_line)
    assert of_line in intake.take(2, 0.0)


def test_a_shared_account_has_one_turn_and_takes_no_place_of_a_device_that_it_names() -> None:
    intake = Intake()
    stranger = [envelope(n.to_bytes(32, "big"), account="lobby-07") for n in range(1, 600)]
    in_its_name = envelope(HONEST, account="lobby-07")
    assert sum(intake.put(one) for one in [in_its_name, *stranger]) == MAX_OF_ONE
    honest = numbered(HONEST, 2)
    assert all(intake.put(one) for one in honest)
    assert intake.take(4, 0.0) == [in_its_name, honest[0], stranger[0], honest[1]]


def test_a_flood_under_one_name_has_a_bound_and_leaves_room_for_others() -> None:
    intake = Intake()
    taken = [intake.put(envelope(FLOODER)) for _ in range(10 * MAX_OF_ONE)]
    assert taken == [True] * MAX_OF_ONE + [False] * 9 * MAX_OF_ONE
    assert intake.put(envelope(HONEST))
    assert len(intake) == MAX_OF_ONE + 1


def test_what_names_no_device_is_one_sender() -> None:
    intake = Intake()
    assert sum(intake.put(envelope(None)) for _ in range(10 * MAX_OF_ONE)) == MAX_OF_ONE
    assert intake.put(envelope(HONEST))


def test_a_place_is_free_again_once_its_envelope_is_taken() -> None:
    intake = Intake()
    for _ in range(3):
        assert sum(intake.put(envelope(FLOODER)) for _ in range(2 * MAX_OF_ONE)) == MAX_OF_ONE
        assert len(intake.take(10_000, 0.0)) == MAX_OF_ONE
    assert intake._behind == {}


def test_what_the_gateway_itself_passes_on_has_no_such_bound() -> None:
    intake = Intake()
    intake.put_all([envelope(FLOODER)] * (2 * MAX_OF_ONE))
    assert len(intake.take(10_000, 0.0)) == 2 * MAX_OF_ONE


def test_who_was_refused_throughout_has_a_small_share_until_a_message_verifies() -> None:
    intake = Intake()
    for _ in range(IN_A_ROW):
        assert not intake.repute.ill(FLOODER)
        intake.repute.note(FLOODER, verified=False)
    assert sum(intake.put(envelope(FLOODER)) for _ in range(MAX_OF_ONE)) == MAX_OF_ILL_REPUTE
    assert sum(intake.put(envelope(HONEST)) for _ in range(MAX_OF_ONE)) == MAX_OF_ONE
    intake.repute.note(FLOODER, verified=True)
    assert intake.put(envelope(FLOODER))


def test_the_table_of_ill_repute_is_bounded() -> None:
    repute = Repute()
    for number in range(3 * MAX_SENDERS):
        repute.note(number.to_bytes(32, "big"), verified=False)
    assert len(repute) == MAX_SENDERS
