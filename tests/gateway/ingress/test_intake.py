"""The intake: bounded in all and for each device, so that one flood keeps no other waiting."""

from __future__ import annotations

from countersign_gateway.ingress.intake import MAX_OF_ONE, Intake
from countersign_gateway.model import Envelope

FLOODER, HONEST = b"\x01" * 32, b"\x02" * 32


def envelope(device_id: bytes | None) -> Envelope:
    return Envelope(device_id, "evidence", b"x", lambda: None)


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
    assert intake._of == {}


def test_what_the_gateway_itself_passes_on_has_no_such_bound() -> None:
    intake = Intake()
    intake.put_all([envelope(FLOODER)] * (2 * MAX_OF_ONE))
    assert len(intake.take(10_000, 0.0)) == 2 * MAX_OF_ONE
