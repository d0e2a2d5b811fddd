"""Trees and proofs against pymerkle and the recursive definitions of RFC 9162.

pymerkle writes its proofs in another order and form. So the tests compare hashes as sets where they
are the same, and check their order by the recursive definitions.
"""

from random import Random

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pymerkle import InmemoryTree, verify_consistency

from countersign import merkle
from support.differential.inputs import how_many
from support.differential.oracles import merkle_head, merkle_path, merkle_proof

LEAVES = [bytes([i % 256]) * 32 for i in range(300)]


@pytest.fixture(scope="module")
def peer():
    tree = InmemoryTree(algorithm="sha256")
    for leaf in LEAVES:
        tree.append_entry(leaf)
    return tree


def test_every_root(peer):
    for size in range(1, 301):
        head = merkle.root(LEAVES[:size])
        assert head == peer.get_root(size) == merkle_head(LEAVES[:size])
        assert merkle.Tree(LEAVES[:size]).root == head
    assert merkle.root([]) == merkle_head([]) == merkle.EMPTY_ROOT


def test_every_inclusion_proof_up_to_65(peer):
    for size in range(1, 66):
        tree = merkle.Tree(LEAVES[:size])
        for index in range(size):
            proof = tree.inclusion_proof(index)
            assert proof == merkle_path(index, LEAVES[:size])
            # pymerkle counts leaves from 1 and has the leaf's own hash in the path.
            theirs = peer.prove_inclusion(index + 1, size).path
            assert sorted([*proof, merkle.leaf_hash(LEAVES[index])]) == sorted(theirs)
            assert merkle.verify_inclusion(LEAVES[index], index, size, proof, tree.root)


def test_every_consistency_proof_up_to_65(peer):
    heads = [merkle_head(LEAVES[:size]) for size in range(66)]
    for second in range(2, 66):
        tree = merkle.Tree(LEAVES[:second])
        for first in range(1, second):
            proof = tree.consistency_proof(first)
            assert proof == merkle_proof(first, LEAVES[:second])
            # pymerkle splits the first tree further, so only its verdict can be compared.
            verify_consistency(
                heads[first],
                heads[second],
                peer.prove_consistency(first, second),
                prior_size=first,
                later_size=second,
            )
            assert merkle.verify_consistency(first, second, heads[first], heads[second], proof)


@given(st.lists(st.binary(max_size=70), min_size=1, max_size=120), st.data())
def test_any_tree(leaves, data):
    index = data.draw(st.integers(0, len(leaves) - 1))
    tree = merkle.Tree(leaves)
    assert tree.root == merkle_head(leaves) == merkle.root(iter(leaves))
    proof = merkle.inclusion_proof(leaves, index)
    assert proof == merkle_path(index, leaves)
    assert merkle.verify_inclusion(leaves[index], index, len(leaves), proof, tree.root)


@given(st.integers(2, 300), st.data())
def test_any_other_proof_is_refused(size, data):
    """No proof with another index, size, leaf or hash verifies."""
    index = data.draw(st.integers(0, size - 1))
    tree = merkle.Tree(LEAVES[:size])
    proof = tree.inclusion_proof(index)
    changed = list(proof)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(changed)))
        other = data.draw(st.sampled_from([*proof, tree.root, merkle.leaf_hash(LEAVES[index])]))
        if data.draw(st.booleans()):
            changed.insert(at, other)
        elif at < len(changed):
            changed[at : at + 1] = data.draw(st.sampled_from([[], [other]]))
    assume(changed != proof)
    assert not merkle.verify_inclusion(LEAVES[index], index, size, changed, tree.root)


@given(st.integers(2, 300), st.integers(1, 299), st.data())
def test_any_other_consistency_proof_is_refused(second, first, data):
    assume(first < second)
    tree = merkle.Tree(LEAVES[:second])
    head = merkle.root(LEAVES[:first])
    proof = tree.consistency_proof(first)
    changed = list(proof)
    at = data.draw(st.integers(0, len(changed)))
    other = data.draw(st.sampled_from([*proof, tree.root, head]))
    changed[at : at + data.draw(st.integers(0, 1))] = data.draw(st.sampled_from([[], [other]]))
    assume(changed != proof)
    assert not merkle.verify_consistency(first, second, head, tree.root, changed)


def test_large_trees():
    random = Random("large")
    for size in (1000, 1023, 1024, 1025, 4097, how_many(5000, 50_000)):
        leaves = [random.randbytes(32) for _ in range(size)]
        tree = merkle.Tree(leaves)
        assert tree.root == merkle.root(leaves)
        for index in (0, size - 1, *(random.randrange(size) for _ in range(20))):
            proof = tree.inclusion_proof(index)
            assert merkle.verify_inclusion(leaves[index], index, size, proof, tree.root)
            assert len(proof) <= (size - 1).bit_length()
        for first in (1, size - 1, *(random.randrange(1, size) for _ in range(20))):
            head = merkle.root(leaves[:first])
            proof = tree.consistency_proof(first)
            assert merkle.verify_consistency(first, size, head, tree.root, proof)
