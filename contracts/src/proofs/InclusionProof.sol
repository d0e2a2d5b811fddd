// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title RFC 9162 inclusion proofs with SHA-256
/// @notice The same trees as everywhere else in the project (PROTOCOL.md, "Commitment and receipt").
library InclusionProof {
    /// @notice Whether `leaf` is number `index` of the `size` leaves under `root`.
    /// @dev RFC 9162 section 2.1.3.2, with its numbering. A path that is too long ends the loop as
    ///      soon as the tree has no more levels, so its length costs no more than its calldata.
    /// @param leaf The leaf input, not its hash.
    function verify(bytes32 leaf, uint64 index, uint64 size, bytes32[] calldata path, bytes32 root)
        internal
        pure
        returns (bool)
    {
        // 1. Nothing is in the empty tree, nor beyond a tree's end.
        if (index >= size) return false;
        // 2. and 3.
        uint64 fn = index;
        uint64 sn = size - 1;
        // The prefixes keep a node from being passed off as a leaf.
        bytes32 r = sha256(abi.encodePacked(bytes1(0x00), leaf));
        // 4.
        for (uint256 i = 0; i < path.length; i++) {
            if (sn == 0) return false;
            if (fn & 1 == 1 || fn == sn) {
                r = sha256(abi.encodePacked(bytes1(0x01), path[i], r));
                // An odd last node rises unchanged until it has a sibling.
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
        // 5. The path must have led all the way up.
        return sn == 0 && r == root;
    }
}
