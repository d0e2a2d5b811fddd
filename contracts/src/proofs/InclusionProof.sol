// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title RFC 9162 inclusion proofs with SHA-256
/// @notice The project's Merkle trees (PROTOCOL.md, "Commitment and receipt").
library InclusionProof {
    /// @notice Whether `leaf` is number `index` of the `size` leaves under `root`.
    /// @dev RFC 9162 section 2.1.3.2, with its numbering. The loop ends when the tree has no more
    ///      levels, so a path that is too long costs no more than its calldata.
    /// @param leaf The leaf input, not its hash.
    function verify(bytes32 leaf, uint64 index, uint64 size, bytes32[] calldata path, bytes32 root)
        internal
        pure
        returns (bool)
    {
        // 1. The empty tree has no leaves, and no index is at or above the tree's size.
        if (index >= size) return false;
        // 2. and 3.
        uint64 fn = index;
        uint64 sn = size - 1;
        // Leaves and nodes have different prefixes, so that a node cannot pass for a leaf.
        bytes32 r = sha256(abi.encodePacked(bytes1(0x00), leaf));
        // 4.
        for (uint256 i = 0; i < path.length; i++) {
            if (sn == 0) return false;
            if (fn & 1 == 1 || fn == sn) {
                r = sha256(abi.encodePacked(bytes1(0x01), path[i], r));
                // A last node without a sibling moves up unchanged until it has one.
                while (fn & 1 == 0 && fn != 0) {
                    fn >>= 1;
                    sn >>= 1;
                }
            } else {
                r = sha256(abi.encodePacked(bytes1(0x01), r, path[i]));
            }
            fn >>= 1;
            sn >>= 1;
        }
        // 5. The path must end at the root.
        return sn == 0 && r == root;
    }
}
