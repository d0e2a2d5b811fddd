"""The fields of a gateway's messages, for samples and for the gateway in memory.

Each function returns a fresh dict of a valid message. `changes`: fields that replace its own.
"""

from countersign import messages, reasons

CHAIN_ID = 31337
CONTRACT = b"\x0c" * 20


def result(gateway_id, device_id, subject, counter, **changes):
    """An acceptance, or with another `reason` the denial for that reason."""
    fields = {
        "gateway_id": gateway_id,
        "device_id": device_id,
        "subject": subject,
        "reason": reasons.ACCEPTED,
        "mode": messages.MODE_ONLINE,
        "age_s": 1,
        "policy_version": 1,
        "revocation_epoch": 0,
        "counter": counter,
    }
    fields.update(changes)
    fields.setdefault("allow", fields["reason"] == reasons.ACCEPTED)
    return fields


def receipt(gateway_id, device_id, subject, result_digest, leaves, index):
    """A receipt for the commitment at `index` of a batch with these leaves."""
    from countersign import merkle  # imported here, since most users of this module need it not

    return {
        "gateway_id": gateway_id,
        "device_id": device_id,
        "subject": subject,
        "result_digest": result_digest,
        "sequence": 1,
        "leaf_index": index,
        "tree_size": len(leaves),
        "batch_root": merkle.root(leaves),
        "inclusion_proof": merkle.inclusion_proof(leaves, index),
        "chain_id": CHAIN_ID,
        "contract": CONTRACT,
        "block_number": 7,
        "transaction_hash": b"\x07" * 32,
    }


def beacon(gateway_id, beacon, sequence, **changes):
    fields = {
        "gateway_id": gateway_id,
        "beacon": beacon,
        "sequence": sequence,
        "policy_version": 1,
        "revocation_epoch": 0,
        "mode": messages.MODE_ONLINE,
        "age_s": 0,
    }
    fields.update(changes)
    return fields
