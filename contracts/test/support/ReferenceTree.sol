// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title RFC 9162 trees as the RFC defines them: recursively, split at the largest power of two
/// @dev It follows section 2.1 of the RFC, not the code of the verifier; the two must agree.
library ReferenceTree {
    /// @notice MTH(D[begin:end]), section 2.1.1.
    function root(bytes32[] memory leaves, uint256 begin, uint256 end)
        internal
        pure
        returns (bytes32)
    {
        if (end == begin) return sha256("");
        if (end - begin == 1) return sha256(abi.encodePacked(bytes1(0x00), leaves[begin]));
        uint256 middle = begin + split(end - begin);
        return sha256(
            abi.encodePacked(bytes1(0x01), root(leaves, begin, middle), root(leaves, middle, end))
        );
    }

    /// @notice PATH(index, D[begin:end]), section 2.1.3.1; `index` counts from `begin`.
    function path(bytes32[] memory leaves, uint256 index, uint256 begin, uint256 end)
        internal
        pure
        returns (bytes32[] memory)
    {
        if (end - begin == 1) return new bytes32[](0);
        uint256 k = split(end - begin);
        uint256 middle = begin + k;
        return index < k
            ? _append(path(leaves, index, begin, middle), root(leaves, middle, end))
            : _append(path(leaves, index - k, middle, end), root(leaves, begin, middle));
    }

    /// @notice The largest power of two below n, for n > 1.
    function split(uint256 n) internal pure returns (uint256 k) {
        for (k = 1; k * 2 < n; k *= 2) {}
    }

    function _append(bytes32[] memory list, bytes32 last)
        private
        pure
        returns (bytes32[] memory longer)
    {
        longer = new bytes32[](list.length + 1);
        for (uint256 i = 0; i < list.length; i++) {
            longer[i] = list[i];
        }
        longer[list.length] = last;
    }
}
