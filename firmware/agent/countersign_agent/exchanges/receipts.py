"""Receipts: the device checks by itself that its message and verdict are under a batch root
(PROTOCOL.md 6.3). With a million devices in a batch this takes about twenty hashes.
"""

from countersign import merkle, messages


def accept_receipt(message, inbox, report) -> None:
    """Check a receipt and report `receipt_verified`, or `receipt_refused` with the reason.

    A refused receipt leaves its message pending: the gateway may still send the right one.
    Raises Ignored if it is no receipt for a message of this device.
    """
    entry = inbox.find_pending(message)
    inbox.verify(message)
    receipt = message.fields
    fault = _fault(receipt, entry)
    if fault is not None:
        report("receipt_refused", counter=entry.counter, reason=fault)
        return
    inbox.pending.remove(entry)
    report(
        "receipt_verified",
        message=entry.name,
        counter=entry.counter,
        sequence=receipt["sequence"],
        leaf_index=receipt["leaf_index"],
        tree_size=receipt["tree_size"],
        proof_hashes=len(receipt["inclusion_proof"]),
        batch_root=receipt["batch_root"],
        chain_id=receipt["chain_id"],
        contract=receipt["contract"],
        block_number=receipt["block_number"],
        transaction_hash=receipt["transaction_hash"],
    )


def _fault(receipt, entry):
    """What is wrong with a receipt that the gateway signed, or None."""
    # If the verdict was lost, the receipt still binds the message to some verdict of the gateway.
    # If the device has the verdict, the receipt must name that one.
    if entry.result_digest is not None and receipt["result_digest"] != entry.result_digest:
        return "it commits to another verdict than the one received"
    leaf = messages.commitment(entry.subject, receipt["result_digest"])
    if not merkle.verify_inclusion(
        leaf,
        receipt["leaf_index"],
        receipt["tree_size"],
        receipt["inclusion_proof"],
        receipt["batch_root"],
    ):
        return "its inclusion proof does not lead to the batch root"
    return None
