// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {CommitmentLog} from "../../src/log/CommitmentLog.sol";
import {ReferenceTree} from "../support/ReferenceTree.sol";
import {Test} from "../support/Test.sol";

contract InclusionProofTest is Test {
    uint256 private constant LARGEST = 40;

    CommitmentLog private immutable log = new CommitmentLog();

    function test_EveryLeafOfEverySmallTree() external view {
        for (uint256 size = 1; size <= 17; size++) {
            bytes32[] memory leaves = _leaves(size, 0);
            bytes32 root = ReferenceTree.root(leaves, 0, size);
            for (uint256 index = 0; index < size; index++) {
                bytes32[] memory path = ReferenceTree.path(leaves, index, 0, size);
                isTrue(_verify(leaves[index], index, size, path, root), "a leaf is included");
            }
        }
    }

    function test_AnOnlyLeafNeedsNoPath() external view {
        bytes32 leaf = keccak256("leaf");
        bytes32 root = sha256(abi.encodePacked(bytes1(0x00), leaf));
        isTrue(_verify(leaf, 0, 1, new bytes32[](0), root), "its hash is the root");
        isFalse(_verify(root, 0, 1, new bytes32[](0), root), "a root as a leaf");
    }

    function test_NothingIsInTheEmptyTree() external view {
        isFalse(_verify(0, 0, 0, new bytes32[](0), sha256("")), "a leaf of nothing");
    }

    function test_TheLargestTreeThatCanBeNamed() external view {
        uint64 size = type(uint64).max;
        bytes32 leaf = keccak256("leaf");
        bytes32[] memory path = new bytes32[](64);
        bytes32 root = sha256(abi.encodePacked(bytes1(0x00), leaf));
        for (uint256 i = 0; i < 64; i++) {
            path[i] = keccak256(abi.encode(i));
            // The first leaf is on the left at every level.
            root = sha256(abi.encodePacked(bytes1(0x01), root, path[i]));
        }
        isTrue(_verify(leaf, 0, size, path, root), "the first leaf");
        isFalse(_verify(leaf, size - 1, size, path, root), "the last place");
        isFalse(_verify(leaf, size, size, path, root), "beyond the end");
    }

    function testFuzz_AcceptsEveryLeaf(uint256 seed, uint256 size, uint256 index) external view {
        (bytes32[] memory leaves, bytes32 root, bytes32[] memory path) = _tree(seed, size, index);
        index %= leaves.length;
        isTrue(_verify(leaves[index], index, leaves.length, path, root), "a leaf is included");
    }

    function testFuzz_RefusesAnotherLeaf(uint256 seed, uint256 size, uint256 index, bytes32 leaf)
        external
        view
    {
        (bytes32[] memory leaves, bytes32 root, bytes32[] memory path) = _tree(seed, size, index);
        index %= leaves.length;
        vm.assume(leaf != leaves[index]);
        isFalse(_verify(leaf, index, leaves.length, path, root), "another leaf");
    }

    function testFuzz_RefusesAnotherIndex(uint256 seed, uint256 size, uint256 index, uint64 other)
        external
        view
    {
        (bytes32[] memory leaves, bytes32 root, bytes32[] memory path) = _tree(seed, size, index);
        index %= leaves.length;
        vm.assume(other != index);
        isFalse(_verify(leaves[index], other, leaves.length, path, root), "another index");
        uint256 near = uint256(other) % leaves.length;
        if (near == index) return;
        isFalse(_verify(leaves[index], near, leaves.length, path, root), "another place");
    }

    function testFuzz_RefusesAChangedPath(uint256 seed, uint256 size, uint256 index, uint256 where)
        external
        view
    {
        (bytes32[] memory leaves, bytes32 root, bytes32[] memory path) = _tree(seed, size, index);
        index %= leaves.length;
        vm.assume(path.length > 0);
        path[where % path.length] ^= bytes32(uint256(1) << (where % 256));
        isFalse(_verify(leaves[index], index, leaves.length, path, root), "one bit changed");
    }

    function testFuzz_RefusesAPathOfAnotherLength(uint256 seed, uint256 size, uint256 index)
        external
        view
    {
        (bytes32[] memory leaves, bytes32 root, bytes32[] memory path) = _tree(seed, size, index);
        index %= leaves.length;
        bytes32[] memory longer = new bytes32[](path.length + 1);
        for (uint256 i = 0; i < path.length; i++) {
            longer[i] = path[i];
        }
        isFalse(_verify(leaves[index], index, leaves.length, longer, root), "one hash more");
        // It also fails with the root to which such a path leads.
        bytes32 above = sha256(abi.encodePacked(bytes1(0x01), longer[path.length], root));
        isFalse(_verify(leaves[index], index, leaves.length, longer, above), "above the root");
        if (path.length == 0) return;
        bytes32[] memory shorter = new bytes32[](path.length - 1);
        for (uint256 i = 0; i < shorter.length; i++) {
            shorter[i] = path[i];
        }
        isFalse(_verify(leaves[index], index, leaves.length, shorter, root), "one hash less");
    }

    /// @dev The prefix of leaves keeps an inner node from passing for a commitment.
    function testFuzz_RefusesANodeAsALeaf(uint256 seed) external view {
        bytes32[] memory leaves = _leaves(4, seed);
        bytes32 root = ReferenceTree.root(leaves, 0, 4);
        bytes32[] memory path = new bytes32[](1);
        path[0] = ReferenceTree.root(leaves, 2, 4);
        isFalse(_verify(ReferenceTree.root(leaves, 0, 2), 0, 2, path, root), "a node");
    }

    function _verify(bytes32 leaf, uint256 index, uint256 size, bytes32[] memory path, bytes32 root)
        private
        view
        returns (bool)
    {
        return log.verifyInclusion(leaf, uint64(index), uint64(size), path, root);
    }

    function _tree(uint256 seed, uint256 size, uint256 index)
        private
        pure
        returns (bytes32[] memory leaves, bytes32 root, bytes32[] memory path)
    {
        size = within(size, 1, LARGEST);
        leaves = _leaves(size, seed);
        root = ReferenceTree.root(leaves, 0, size);
        path = ReferenceTree.path(leaves, index % size, 0, size);
    }

    function _leaves(uint256 size, uint256 seed) private pure returns (bytes32[] memory leaves) {
        leaves = new bytes32[](size);
        for (uint256 i = 0; i < size; i++) {
            leaves[i] = keccak256(abi.encode(seed, i));
        }
    }
}
