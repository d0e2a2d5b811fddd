"""Receipts: the device recomputes the inclusion proof and does not trust the sender."""

from countersign.carriers import kinds
from support.agent.memory_site import GATEWAY_SECRET, OTHER_SECRET
from support.agent.rig import Rig


def checked_in(verdicts=6):
    rig = Rig()
    rig.run_until("verdict", verdicts)
    return rig


def deliver(rig, payload):
    rig.gateway.send(kinds.RECEIPT, payload)
    rig.run_for(1)


def test_verifies_the_receipt_of_every_message():
    rig = checked_in()
    rig.gateway.send_receipts()
    rig.run_until("receipt_verified", 6)
    kinds = [fields["message"] for fields in rig.all("receipt_verified")]
    assert kinds == ["enrol_proof"] + 5 * ["evidence"]
    last = rig.all("receipt_verified")[-1]
    assert last["tree_size"] == 6
    assert last["leaf_index"] == 5
    assert last["block_number"] == 7


def test_a_receipt_counts_once():
    rig = checked_in()
    receipt = rig.gateway.make_receipt(2)
    deliver(rig, receipt)
    deliver(rig, receipt)
    assert len(rig.all("receipt_verified")) == 1
    assert len(rig.all("ignored")) == 1


def test_refuses_a_wrong_proof_root_index_or_size():
    rig = checked_in()
    make = rig.gateway.make_receipt
    wrong = [b"\x01" * 32]
    for changes in (
        {"inclusion_proof": wrong * 3},
        {"inclusion_proof": []},
        {"inclusion_proof": wrong * 30},
        {"batch_root": b"\x02" * 32},
        {"leaf_index": 3},
        {"tree_size": 3},
        {"leaf_index": 9},
        {"leaf_index": 0xFFFFFFFF, "tree_size": 0xFFFFFFFF},
    ):
        before = len(rig.all("receipt_refused"))
        deliver(rig, make(2, **changes))
        assert len(rig.all("receipt_refused")) == before + 1, changes
    assert not rig.all("receipt_verified")
    # The device still accepts the right receipt.
    deliver(rig, make(2))
    assert len(rig.all("receipt_verified")) == 1


def test_refuses_a_receipt_for_another_verdict_than_the_one_received():
    rig = checked_in()
    deliver(rig, rig.gateway.make_receipt(2, result_digest=b"\x05" * 32))
    assert rig.all("receipt_refused")[0]["reason"].startswith("it commits to another verdict")


def test_a_receipt_without_a_verdict_is_checked_by_its_own_digest():
    rig = checked_in(2)
    gateway = rig.gateway
    # The verdict is lost on the way, but the gateway anchors its decision all the same.
    send, gateway.send = gateway.send, lambda kind, payload: None
    rig.run_until("timed_out")
    gateway.send = send
    deliver(rig, gateway.make_receipt(len(gateway.decided) - 1))
    assert len(rig.all("receipt_verified")) == 1


def test_ignores_a_receipt_of_another_signer_or_for_somebody_else():
    rig = checked_in()
    rig.gateway.secret = OTHER_SECRET
    deliver(rig, rig.gateway.make_receipt(2))
    rig.gateway.secret = GATEWAY_SECRET
    rig.run_for(2000)
    deliver(rig, rig.gateway.make_receipt(2, subject=b"\x09" * 32))
    rig.run_for(2000)
    deliver(rig, rig.gateway.make_receipt(2, device_id=b"\x09" * 32))
    rig.run_for(2000)
    deliver(rig, rig.gateway.make_receipt(2, gateway_id=b"\x09" * 32))
    why = [fields["why"] for fields in rig.all("ignored")]
    assert why == [
        "not signed by our gateway",
        "answers nothing that this device waits for",
        "for another device",
        "from another gateway",
    ]
    assert not rig.all("receipt_verified") and not rig.all("receipt_refused")
