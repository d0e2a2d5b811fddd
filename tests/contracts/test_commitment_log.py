"""Batches of commitments on the ledger, and the proofs that auditors check there."""

import hashlib
import random
import secrets

import pytest

from countersign import merkle
from countersign_workshop.ledger import deployment

pytestmark = pytest.mark.chain


def _leaves(count):
    return [secrets.token_bytes(32) for _ in range(count)]


def test_batches_are_anchored_in_a_hash_chain(register):
    gateway, head = register.funded(), bytes(32)
    for sequence, size in enumerate((1, 2, 1000), start=1):
        root = merkle.root(_leaves(size))
        receipt = register.append(sequence, head, root, size, sender=gateway)
        head = hashlib.sha256(head + root + size.to_bytes(4, "big")).digest()
        (event,) = register.log.events.BatchAnchored().process_receipt(receipt)
        assert dict(event["args"]) == {
            "gateway": deployment.address_text(gateway.address),
            "sequence": sequence,
            "root": root,
            "size": size,
            "head": head,
        }
        assert register.tip(gateway) == (sequence, head)


def test_the_same_batch_again_changes_nothing(register):
    gateway, root = register.funded(), merkle.root(_leaves(3))
    register.append(1, bytes(32), root, 3, sender=gateway)
    before = register.tip(gateway)
    receipt = register.append(1, bytes(32), root, 3, sender=gateway)
    assert receipt["status"] == 1
    assert receipt["logs"] == []
    assert register.tip(gateway) == before


@pytest.mark.parametrize(
    ("sequence", "root_at_tip", "error"),
    [(1, False, "Conflict"), (3, True, "OutOfSequence"), (0, True, "OutOfSequence")],
)
def test_any_other_batch_reverts(register, sequence, root_at_tip, error):
    gateway, root = register.funded(), merkle.root(_leaves(3))
    register.append(1, bytes(32), root, 3, sender=gateway)
    given = root if root_at_tip else secrets.token_bytes(32)
    with pytest.raises(deployment.DeploymentError, match=error):
        register.append(sequence, bytes(32), given, 3, sender=gateway)


def test_a_batch_that_forgets_what_came_before_reverts(register):
    gateway = register.funded()
    register.append(1, bytes(32), secrets.token_bytes(32), 1, sender=gateway)
    with pytest.raises(deployment.DeploymentError, match="HeadMismatch"):
        register.append(2, bytes(32), secrets.token_bytes(32), 1, sender=gateway)


def test_inclusion_is_decided_as_in_python(register):
    """Solidity and Python give the same answer for honest proofs and for changed ones."""
    chance = random.Random(9162)
    verify = register.log.functions.verifyInclusion
    honest = refused = 0
    for size in (1, 2, 3, 4, 5, 7, 8, 9, 31, 33, 100):
        leaves = [chance.randbytes(32) for _ in range(size)]
        tree = merkle.Tree(leaves)
        index = chance.randrange(size)
        proof = tree.inclusion_proof(index)
        assert verify(leaves[index], index, size, proof, tree.root).call()
        honest += 1
        changed = [
            (leaves[index], chance.randrange(size + 2), size, proof, tree.root),
            (leaves[index], index, chance.randrange(1, 2 * size + 2), proof, tree.root),
            (leaves[index], index, size, [*proof, bytes(32)], tree.root),
            (
                leaves[index],
                index,
                size,
                [*proof, bytes(32)],
                merkle.node_hash(bytes(32), tree.root),
            ),
            (leaves[index], index, size, proof[:-1], tree.root),
            (leaves[index], index, size, proof[::-1], tree.root),
            (leaves[index], index, 0, proof, tree.root),
            (chance.randbytes(32), index, size, proof, tree.root),
            (leaves[index], index, size, proof, chance.randbytes(32)),
        ]
        for arguments in changed:
            expected = merkle.verify_inclusion(*arguments)
            assert verify(*arguments).call() == expected, arguments
            refused += not expected
    assert honest == 11
    assert refused > 50
