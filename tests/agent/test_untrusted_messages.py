"""Messages that a broker may invent. None of them has an effect, and none stops the device."""

from countersign import messages, reasons
from countersign.carriers import kinds
from support.agent.memory_site import GATEWAY_SECRET, OTHER_SECRET
from support.agent.rig import Rig


def silent_after_evidence():
    """A device that waits for the verdict on its evidence; (rig, device message, its counter)."""
    rig = Rig()
    rig.run_until("verdict", 2)
    rig.gateway.is_silent = True
    rig.run_until("evidence_sent", 2)
    _, message, payload = rig.gateway.received[-1]
    return rig, payload, message.fields["counter"]


def deliver(rig, kind, payload):
    rig.gateway.send(kind, payload)
    rig.run_for(1)


def expect_ignored(rig, kind, payload, why=None):
    verdicts, ignored = len(rig.all("verdict")), len(rig.all("ignored"))
    rig.clock.ms += 1001  # past the period in which ignored messages share a log line
    deliver(rig, kind, payload)
    assert len(rig.all("verdict")) == verdicts, why
    assert len(rig.all("ignored")) == ignored + 1, why
    if why is not None:
        assert rig.all("ignored")[-1]["why"] == why, rig.all("ignored")[-1]


def test_the_right_verdict_still_counts_after_all_the_wrong_ones():
    rig, payload, counter = silent_after_evidence()
    gateway = rig.gateway
    good = gateway.make_result(rig.device_id, payload, counter)

    gateway.secret = OTHER_SECRET
    wrong_key = gateway.make_result(rig.device_id, payload, counter)
    gateway.secret = GATEWAY_SECRET
    expect_ignored(rig, kinds.RESULT, wrong_key, "not signed by our gateway")

    tampered = bytearray(good)
    tampered[good.find(b"\x04\xf5") + 1] = 0xF4  # allow: true becomes false
    assert bytes(tampered) != good
    expect_ignored(rig, kinds.RESULT, bytes(tampered), "not signed by our gateway")

    old = gateway.decided[0][2]
    expect_ignored(rig, kinds.RESULT, old, "a second verdict")

    other_device = gateway.make_result(b"\x01" * 32, payload, counter)
    expect_ignored(rig, kinds.RESULT, other_device, "for another device")

    other_message = gateway.make_result(rig.device_id, b"not sent", counter)
    expect_ignored(rig, kinds.RESULT, other_message, "answers nothing that this device waits for")

    wrong_counter = gateway.make_result(rig.device_id, payload, counter + 1)
    expect_ignored(rig, kinds.RESULT, wrong_counter, "a verdict on another counter")

    two_minds = gateway.make_result(rig.device_id, payload, counter, reasons.SUSPENDED, allow=True)
    expect_ignored(rig, kinds.RESULT, two_minds, "a verdict that contradicts itself")

    expect_ignored(rig, kinds.CHALLENGE, good, "a message of another type than its topic")
    expect_ignored(rig, kinds.RECEIPT, good, "a message of another type than its topic")
    assert rig.all("ignored")[-1]["kind"] == "down/receipt"

    deliver(rig, kinds.RESULT, good)
    assert rig.all("verdict")[-1]["counter"] == counter
    assert rig.all("verdict")[-1]["allow"] is True
    expect_ignored(rig, kinds.RESULT, good, "a second verdict")


def test_a_forged_revocation_does_not_stop_the_device():
    rig, payload, counter = silent_after_evidence()
    rig.gateway.secret = OTHER_SECRET
    forged = rig.gateway.make_result(rig.device_id, payload, counter, reasons.REVOKED)
    expect_ignored(rig, kinds.RESULT, forged)
    error = rig.gateway.make_error(rig.device_id, payload, reasons.REVOKED)
    expect_ignored(rig, kinds.ERROR, error)
    assert rig.agent.step()


def test_an_old_revocation_of_the_same_gateway_does_not_stop_the_device():
    # The gateway answers REVOKED to a message of an earlier boot, for which nothing waits.
    rig, payload, counter = silent_after_evidence()
    old = rig.gateway.make_result(rig.device_id, payload, counter, reasons.REVOKED)
    rig.boot()
    rig.gateway.is_silent = False
    rig.run_until("verdict", 3)
    expect_ignored(rig, kinds.RESULT, old)
    assert rig.agent.step()


def test_a_refusal_after_the_verdict_changes_nothing():
    rig = Rig()
    rig.run_until("verdict", 2)
    payload = rig.gateway.received[-1][2]
    error = rig.gateway.make_error(rig.device_id, payload, reasons.REVOKED)
    expect_ignored(rig, kinds.ERROR, error, "a refusal of what has its verdict")


def test_every_truncation_and_every_flipped_byte_is_ignored():
    rig, payload, counter = silent_after_evidence()
    good = rig.gateway.make_result(rig.device_id, payload, counter)
    for size in range(0, len(good), 5):
        expect_ignored(rig, kinds.RESULT, good[:size])
    for index in range(0, len(good), 11):
        changed = bytearray(good)
        changed[index] ^= 0x10
        expect_ignored(rig, kinds.RESULT, bytes(changed))
    expect_ignored(rig, kinds.RESULT, good + b"\x00", "TRAILING_BYTES")
    deliver(rig, kinds.RESULT, good)
    assert rig.all("verdict")[-1]["counter"] == counter


def test_oversized_messages_and_foreign_topics_are_ignored():
    rig, _, _ = silent_after_evidence()
    expect_ignored(rig, kinds.RESULT, bytes(2049), "OVERSIZED")
    expect_ignored(rig, kinds.RESULT, bytes(2048))
    rig.clock.ms += 1001
    rig.broker.deliver("gateway/beacon", b"")
    rig.broker.deliver("a/b", b"\x00")
    rig.run_for(1)
    assert rig.all("ignored")[-1]["why"] == "a topic that was not subscribed"
    assert rig.all("ignored")[-1]["kind"] == "gateway/beacon"


def test_a_flood_of_garbage_makes_few_lines_and_loses_no_verdict():
    rig, payload, counter = silent_after_evidence()
    lines = len(rig.events)
    for _ in range(10):
        for _ in range(50):
            rig.gateway.send(kinds.RESULT, b"\xff\x00garbage")
        while rig.broker.queue:
            rig.agent.step()
    good = rig.gateway.make_result(rig.device_id, payload, counter)
    rig.gateway.send(kinds.RESULT, good)
    rig.run_until("verdict", 3)
    assert len(rig.events) - lines < 10


def test_what_the_device_sends_back_as_an_answer_is_ignored():
    # A reflection: the device's own message on its downlink.
    rig, payload, _ = silent_after_evidence()
    for kind in kinds.ALL:
        expect_ignored(rig, kind, payload)


def test_every_message_of_a_gateway_has_a_handler_and_no_other_has():
    of_gateways = [d.type for d in messages.DEFINITIONS if d.sender != messages.DEVICE]
    assert sorted(Rig().agent._handlers) == sorted(of_gateways)
