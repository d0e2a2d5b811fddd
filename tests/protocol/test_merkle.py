"""RFC 9162 trees and proofs: every size up to 65, every index, and every way to tamper."""

from countersign import merkle
from support.protocol import vector_files

MOST = 65

LEAVES = [bytes([i]) * 32 for i in range(MOST)]


def hashes(texts):
    return [bytes.fromhex(text) for text in texts]


def raises(call, *arguments):
    try:
        call(*arguments)
    except IndexError:
        return True
    return False


def _heads():
    return [merkle.root(LEAVES[:size]) for size in range(MOST + 1)]


# The definitions as they stand in RFC 9162, sections 2.1.1, 2.1.3.1 and 2.1.4.1.


def mth(leaves):
    if not leaves:
        return merkle.EMPTY_ROOT
    if len(leaves) == 1:
        return merkle.leaf_hash(leaves[0])
    k = split(len(leaves))
    return merkle.node_hash(mth(leaves[:k]), mth(leaves[k:]))


def split(n):
    k = 1
    while 2 * k < n:
        k *= 2
    return k


def path(m, leaves):
    if len(leaves) == 1:
        return []
    k = split(len(leaves))
    if m < k:
        return path(m, leaves[:k]) + [mth(leaves[k:])]
    return path(m - k, leaves[k:]) + [mth(leaves[:k])]


def subproof(m, leaves, complete):
    if m == len(leaves):
        return [] if complete else [mth(leaves)]
    k = split(len(leaves))
    if m <= k:
        return subproof(m, leaves[:k], complete) + [mth(leaves[k:])]
    return subproof(m - k, leaves[k:], False) + [mth(leaves[:k])]


def test_vectors():
    content = vector_files.load("merkle")
    leaves = hashes(content["leaves"])
    roots = hashes(content["roots"])
    assert len(roots) == len(leaves) + 1
    for size in range(len(roots)):
        assert merkle.root(leaves[:size]) == roots[size], size
        assert merkle.Tree(leaves[:size]).root == roots[size], size
    for case in content["inclusion"]:
        size = case["size"]
        index = case["index"]
        proof = hashes(case["proof"])
        assert merkle.inclusion_proof(leaves[:size], index) == proof, (size, index)
        assert merkle.verify_inclusion(leaves[index], index, size, proof, roots[size])
    for case in content["consistency"]:
        first = case["first"]
        second = case["second"]
        proof = hashes(case["proof"])
        assert merkle.consistency_proof(leaves[:second], first) == proof, (first, second)
        assert merkle.verify_consistency(first, second, roots[first], roots[second], proof)


def test_root_takes_any_iterable():
    assert merkle.root([]) == merkle.EMPTY_ROOT == merkle.Tree([]).root
    expected = merkle.root(LEAVES[:7])
    assert merkle.root(tuple(LEAVES[:7])) == expected
    assert merkle.root(iter(LEAVES[:7])) == expected
    assert merkle.Tree(iter(LEAVES[:7])).root == expected


def test_definitions():
    for size in range(18):
        leaves = LEAVES[:size]
        tree = merkle.Tree(leaves)
        assert tree.size == size
        assert merkle.root(leaves) == tree.root == mth(leaves)
        for index in range(size):
            assert tree.inclusion_proof(index) == path(index, leaves), (size, index)
        for first in range(1, size):
            assert tree.consistency_proof(first) == subproof(first, leaves, True), (size, first)


def test_inclusion_of_every_leaf_of_every_size():
    for size in range(1, MOST + 1):
        tree = merkle.Tree(LEAVES[:size])
        assert tree.root == merkle.root(LEAVES[:size])
        for index in range(size):
            proof = tree.inclusion_proof(index)
            leaf = LEAVES[index]
            assert merkle.verify_inclusion(leaf, index, size, proof, tree.root), (size, index)
            # The proof is not valid for another index or another leaf.
            for other in (index - 1, index + 1, index ^ 1, index + size, size):
                if other != index:
                    assert not merkle.verify_inclusion(leaf, other, size, proof, tree.root)
            assert not merkle.verify_inclusion(bytes(31), index, size, proof, tree.root)


def test_consistency_of_every_pair_of_sizes():
    heads = _heads()
    for second in range(MOST + 1):
        tree = merkle.Tree(LEAVES[:second])
        for first in range(second + 1):
            proof = tree.consistency_proof(first)
            assert merkle.verify_consistency(first, second, heads[first], heads[second], proof), (
                first,
                second,
            )
            if 0 < first < second:
                # The root of another size may replace neither root.
                wrong = heads[first - 1]
                assert not merkle.verify_consistency(first, second, wrong, heads[second], proof)
                wrong = heads[second - 1]
                assert not merkle.verify_consistency(first, second, heads[first], wrong, proof)


def test_inclusion_proof_tampered():
    for size, index in ((1, 0), (2, 1), (3, 2), (5, 4), (6, 0), (7, 3), (8, 7), (21, 16), (64, 5)):
        tree = merkle.Tree(LEAVES[:size])
        proof = tree.inclusion_proof(index)

        def holds(changed, index=index, size=size, tree=tree):
            return merkle.verify_inclusion(LEAVES[index], index, size, changed, tree.root)

        assert holds(proof) is True
        for changed in tampered(proof):
            assert holds(changed) is False, (size, index)
        # In trees of these sizes a leaf at this index has a proof of another shape.
        for other in range(70):
            if len(path(index, LEAVES[:1] * other) if index < other else []) != len(proof):
                assert not merkle.verify_inclusion(LEAVES[index], index, other, proof, tree.root), (
                    size,
                    index,
                    other,
                )


def tampered(proof):
    extra = bytes([0xEE]) * 32
    for i in range(len(proof) + 1):
        yield proof[:i] + [extra] + proof[i:]
    for i in range(len(proof)):
        yield proof[:i] + proof[i + 1 :]
        yield proof[:i] + [bytes([proof[i][0] ^ 1]) + proof[i][1:]] + proof[i + 1 :]
        yield proof[:i] + [proof[i][:31]] + proof[i + 1 :]
        yield proof[:i] + [proof[i] + b"\x00"] + proof[i + 1 :]
        yield proof[:i] + [None] + proof[i + 1 :]
    for i in range(len(proof) - 1):
        yield proof[:i] + [proof[i + 1], proof[i]] + proof[i + 2 :]


def test_consistency_proof_tampered():
    for first, second in (
        (1, 2),
        (2, 3),
        (3, 5),
        (4, 8),
        (6, 7),
        (7, 8),
        (8, 9),
        (12, 33),
        (5, 64),
    ):
        heads = [merkle.root(LEAVES[:first]), merkle.root(LEAVES[:second])]
        proof = merkle.consistency_proof(LEAVES[:second], first)
        assert merkle.verify_consistency(first, second, heads[0], heads[1], proof) is True
        for changed in tampered(proof):
            assert merkle.verify_consistency(first, second, heads[0], heads[1], changed) is False
        assert not merkle.verify_consistency(second, first, heads[1], heads[0], proof)
        assert not merkle.verify_consistency(first, second, heads[1], heads[0], proof)


def test_a_rewritten_history_is_not_consistent():
    old = merkle.root(LEAVES[:20])
    for changed in (0, 7, 15, 16, 19):
        leaves = list(LEAVES[:40])
        leaves[changed] = b"\xff" * 32
        tree = merkle.Tree(leaves)
        proof = tree.consistency_proof(20)
        assert not merkle.verify_consistency(20, 40, old, tree.root, proof), changed


def test_a_proof_of_another_length_never_holds():
    # This claims every leaf under every root at every index of every smaller tree. A claim with as
    # many hashes may hold: a root alone does not fix its size, so the signer must state it.
    for size in range(2, 12):
        tree = merkle.Tree(LEAVES[:size])
        for smaller in range(1, size):
            for place in range(smaller):
                asked = len(path(place, LEAVES[:smaller]))
                for index in range(size):
                    proof = tree.inclusion_proof(index)
                    assert len(proof) == asked or not merkle.verify_inclusion(
                        LEAVES[index], place, smaller, proof, tree.root
                    ), (size, index, smaller, place)
            for first in range(1, size):
                proof = tree.consistency_proof(first)
                head = merkle.root(LEAVES[:first])
                for claimed in range(1, smaller + 1):
                    asked = len(merkle.consistency_proof(LEAVES[:smaller], claimed))
                    assert len(proof) == asked or not merkle.verify_consistency(
                        claimed, smaller, head, tree.root, proof
                    ), (size, first, smaller, claimed)
    # The shortest case is one leaf alone, with its neighbour's hash on top.
    root = merkle.root(LEAVES[:2])
    assert not merkle.verify_inclusion(LEAVES[1], 0, 1, [merkle.leaf_hash(LEAVES[0])], root)


def test_node_is_not_a_leaf():
    # Second preimage: an attacker presents two child hashes as one leaf input.
    tree = merkle.Tree(LEAVES[:2])
    forged = merkle.leaf_hash(LEAVES[0]) + merkle.leaf_hash(LEAVES[1])
    assert not merkle.verify_inclusion(forged, 0, 1, [], tree.root)
    assert merkle.Tree([forged]).root != tree.root


def test_empty_tree():
    empty = merkle.EMPTY_ROOT
    one = merkle.root(LEAVES[:1])
    assert not merkle.verify_inclusion(b"", 0, 0, [], empty)
    assert merkle.verify_consistency(0, 0, empty, empty, [])
    assert merkle.verify_consistency(0, 1, empty, one, [])
    assert not merkle.verify_consistency(0, 1, empty, one, [one])
    assert not merkle.verify_consistency(0, 1, one, one, [])
    assert not merkle.verify_consistency(0, 0, one, one, [])
    assert not merkle.verify_consistency(1, 0, one, empty, [])


def test_equal_sizes():
    for size in (1, 2, 3, 8, 13):
        head = merkle.root(LEAVES[:size])
        other = merkle.root(LEAVES[1 : size + 1])
        assert merkle.consistency_proof(LEAVES[:size], size) == []
        assert merkle.verify_consistency(size, size, head, head, [])
        assert not merkle.verify_consistency(size, size, head, other, [])
        assert not merkle.verify_consistency(size, size, head, head, [head])


def test_verifiers_never_raise_on_what_a_peer_sent():
    tree = merkle.Tree(LEAVES[:5])
    proof = tree.inclusion_proof(2)
    strange = [None, True, -1, 1.5, "", "a" * 32, b"", bytes(31), [], {}, object(), 1 << 200]
    for value in strange:
        assert merkle.verify_inclusion(LEAVES[2], value, 5, proof, tree.root) is False
        assert merkle.verify_inclusion(LEAVES[2], 2, value, proof, tree.root) is False
        assert merkle.verify_inclusion(LEAVES[2], 2, 5, value, tree.root) is False
        assert merkle.verify_inclusion(LEAVES[2], 2, 5, proof, value) is False
        assert merkle.verify_inclusion(value, 2, 5, proof, tree.root) is False
    for size in (3, 4):
        check_consistency_against(strange, tree, size)


def check_consistency_against(strange, tree, size):
    proof = tree.consistency_proof(size)
    first = merkle.root(LEAVES[:size])
    for value in strange:
        assert merkle.verify_consistency(value, 5, first, tree.root, proof) is False
        assert merkle.verify_consistency(size, value, first, tree.root, proof) is False
        assert merkle.verify_consistency(size, 5, value, tree.root, proof) is False
        assert merkle.verify_consistency(size, 5, first, value, proof) is False
        assert merkle.verify_consistency(size, 5, first, tree.root, value) is False


def test_huge_sizes_cost_nothing():
    root = LEAVES[0]
    for size in (1 << 32, (1 << 63) - 1, (1 << 64) - 1):
        for index in (0, size // 2, size - 1):
            assert merkle.verify_inclusion(LEAVES[1], index, size, LEAVES[:32], root) is False
            assert merkle.verify_inclusion(LEAVES[1], index, size, LEAVES[:64], root) is False
            assert merkle.verify_inclusion(LEAVES[1], index, size, [root] * 5000, root) is False
        assert merkle.verify_consistency(1, size, root, root, LEAVES[:64]) is False
    # The deepest possible proof, of a tree of 2**64 equal leaves.
    size = 1 << 64
    proof = []
    head = merkle.leaf_hash(b"")
    for _ in range(64):
        proof.append(head)
        head = merkle.node_hash(head, head)
    for index in (0, 12345678901234567890, size - 1):
        assert merkle.verify_inclusion(b"", index, size, proof, head) is True


def test_misuse_raises():
    tree = merkle.Tree(LEAVES[:3])
    for index in (-1, 3, 100):
        assert raises(tree.inclusion_proof, index)
        assert raises(merkle.inclusion_proof, LEAVES[:3], index)
    for first in (-1, 4):
        assert raises(tree.consistency_proof, first)
        assert raises(merkle.consistency_proof, LEAVES[:3], first)
    assert raises(merkle.Tree([]).inclusion_proof, 0)
    assert merkle.Tree([]).consistency_proof(0) == []
