// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Domain separation: a SHA-256 of its own for every purpose (BIP-340, "Design")
library TaggedHash {
    /// @notice tagged_sha256(tag, data) = sha256(sha256(tag) ‖ sha256(tag) ‖ data).
    /// @dev `data` must have a fixed layout for each tag: nothing here delimits it.
    /// @param tagDigest sha256 of the tag, a constant of the caller.
    function hash(bytes32 tagDigest, bytes memory data) internal pure returns (bytes32) {
        return sha256(abi.encodePacked(tagDigest, tagDigest, data));
    }
}
