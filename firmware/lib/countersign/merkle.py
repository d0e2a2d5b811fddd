"""Merkle trees, inclusion and consistency proofs: RFC 9162 §2.1 with SHA-256.

    leaf hash   sha256(0x00 ‖ leaf input)                the two prefixes keep a node from
    node hash   sha256(0x01 ‖ left ‖ right)              being passed off as a leaf
    empty tree  sha256("")

`leaves` are raw leaf inputs (here: 32-byte commitments), not their hashes. The RFC splits a tree at
the largest power of two below its size. This code works bottom up, which gives the same tree: it
pairs neighbours, and an odd last node rises unchanged.

A verifier needs only the last two functions: SHA-256, no allocation beyond one hash at a time, and
at most 64 steps for any size. They answer True or False, whatever the peer sent.
"""

import hashlib

EMPTY_ROOT = hashlib.sha256(b"").digest()


def leaf_hash(data: bytes) -> bytes:
    """Hash (32 bytes) of one leaf input of any length."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash (32 bytes) over two child hashes of 32 bytes."""
    return hashlib.sha256(b"\x01" + left + right).digest()


# Making trees and proofs ---------------------------------------------------------------------


def root(leaves) -> bytes:
    """Tree head (32 bytes) over an iterable of leaf inputs. It keeps log2(n) hashes at a time.

    RFC 9162 §2.1.1 and §2.1.2. Without leaves the head is EMPTY_ROOT.
    """
    stack = []
    count = 0
    for leaf in leaves:
        stack.append(leaf_hash(leaf))
        count += 1
        # This leaf closes as many complete subtrees as count has trailing zeros: merge each.
        closed = count
        while not closed & 1:
            right = stack.pop()
            stack.append(node_hash(stack.pop(), right))
            closed >>= 1
    if not stack:
        return EMPTY_ROOT
    head = stack.pop()
    while stack:
        head = node_hash(stack.pop(), head)
    return head


class Tree:
    """All nodes of a tree, for many proofs from it. They take 64 bytes of hashes a leaf.

    size: number of leaves. root: 32 bytes.
    """

    def __init__(self, leaves):
        level = [leaf_hash(leaf) for leaf in leaves]
        self.size = len(level)
        self._levels = [level]
        while len(level) > 1:
            above = []
            for i in range(0, len(level) - 1, 2):
                above.append(node_hash(level[i], level[i + 1]))
            if len(level) & 1:
                above.append(level[-1])
            self._levels.append(above)
            level = above
        self.root = level[0] if level else EMPTY_ROOT

    def inclusion_proof(self, index: int) -> list:
        """PATH(index, D) of RFC 9162 §2.1.3.1: hashes from the leaf upwards.

        IndexError unless 0 <= index < size.
        """
        if not 0 <= index < self.size:
            raise IndexError("no such leaf")
        proof = []
        for level in self._levels:
            sibling = index ^ 1
            if sibling < len(level):
                proof.append(level[sibling])
            index >>= 1
        return proof

    def consistency_proof(self, first_size: int) -> list:
        """PROOF(first_size, D) of RFC 9162 §2.1.4.1.

        Empty for first_size 0 (every tree extends the empty one) and for first_size = size (every
        tree extends itself), which the RFC leaves out. IndexError unless 0 <= first_size <= size.
        """
        if not 0 <= first_size <= self.size:
            raise IndexError("no such size")
        if first_size in (0, self.size):
            return []
        # The proof begins with the largest complete subtree that ends where the first tree ends.
        node = first_size - 1
        last = self.size - 1
        height = 0
        while node & 1:
            node >>= 1
            last >>= 1
            height += 1
        # If that is the whole first tree, the verifier knows it already, so the proof omits it.
        proof = [self._levels[height][node]] if node else []
        while last:
            level = self._levels[height]
            sibling = node ^ 1
            if sibling < len(level):
                proof.append(level[sibling])
            node >>= 1
            last >>= 1
            height += 1
        return proof


def inclusion_proof(leaves, index: int) -> list:
    """Tree(leaves).inclusion_proof(index)."""
    return Tree(leaves).inclusion_proof(index)


def consistency_proof(leaves, first_size: int) -> list:
    """Tree(leaves).consistency_proof(first_size)."""
    return Tree(leaves).consistency_proof(first_size)


# Verifying -----------------------------------------------------------------------------------


def verify_inclusion(leaf: bytes, index: int, size: int, proof: list, root: bytes) -> bool:
    """True if `leaf` (a leaf input) is number `index` of the `size` leaves under `root`.

    RFC 9162 §2.1.3.2. The proof must have exactly the length that index and size demand. Nothing
    is in the empty tree. A root alone does not tell its size: `size` must come from whoever signed
    the root, as in a Receipt.
    """
    if not (_is_size(index) and _is_size(size) and _is_proof(proof) and isinstance(leaf, bytes)):
        return False
    # 1. to 3.
    if index >= size:
        return False
    fn = index
    sn = size - 1
    r = leaf_hash(leaf)
    # 4.
    for p in proof:
        if not sn:
            return False
        if fn & 1 or fn == sn:
            r = node_hash(p, r)
            while not fn & 1 and fn:
                fn >>= 1
                sn >>= 1
        else:
            r = node_hash(r, p)
        fn >>= 1
        sn >>= 1
    # 5.
    return not sn and r == root


def verify_consistency(
    first_size: int, second_size: int, first_root: bytes, second_root: bytes, proof: list
) -> bool:
    """True if the tree of `second_size` under `second_root` begins with the one of `first_size`.

    RFC 9162 §2.1.4.2. An empty proof holds in two edge cases: for equal sizes, if the roots are
    equal; for first_size 0, if first_root is EMPTY_ROOT (which says nothing about the second tree).
    A tree never shrinks.
    """
    if not (_is_size(first_size) and _is_size(second_size) and _is_proof(proof)):
        return False
    if not (_is_hash(first_root) and _is_hash(second_root)):
        return False
    if first_size > second_size:
        return False
    for size, head in ((first_size, first_root), (second_size, second_root)):
        if not size and head != EMPTY_ROOT:
            return False
    if first_size == second_size:
        return not proof and first_root == second_root
    if not first_size:
        return not proof
    # 1.
    if not proof:
        return False
    fn = first_size - 1
    sn = second_size - 1
    # 2. and 5. A complete first tree is a node of the second, so the proof omits its root.
    if first_size & fn:
        fr = sr = proof[0]
        start = 1
    else:
        fr = sr = first_root
        start = 0
    # 3. and 4.
    while fn & 1:
        fn >>= 1
        sn >>= 1
    # 6.
    for i in range(start, len(proof)):
        c = proof[i]
        if not sn:
            return False
        if fn & 1 or fn == sn:
            fr = node_hash(c, fr)
            sr = node_hash(c, sr)
            while not fn & 1 and fn:
                fn >>= 1
                sn >>= 1
        else:
            sr = node_hash(sr, c)
        fn >>= 1
        sn >>= 1
    # 7.
    return not sn and fr == first_root and sr == second_root


def _is_size(value):
    return not isinstance(value, bool) and isinstance(value, int) and value >= 0


def _is_hash(value):
    return isinstance(value, bytes) and len(value) == 32


def _is_proof(proof):
    # 64 levels hold more leaves than any counter, so a longer list is refused unread.
    return (
        isinstance(proof, (list, tuple))
        and len(proof) <= 64
        and all([_is_hash(entry) for entry in proof])
    )
