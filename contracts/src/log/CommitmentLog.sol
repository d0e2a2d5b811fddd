// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ICommitmentLog} from "./ICommitmentLog.sol";
import {InclusionProof} from "../proofs/InclusionProof.sol";

/// @title CommitmentLog
/// @notice The log in which gateways anchor their batches. ICommitmentLog documents it.
contract CommitmentLog is ICommitmentLog {
    struct Tip {
        bytes32 head;
        uint64 sequence;
    }

    mapping(address gateway => Tip) private _tips;

    /// @inheritdoc ICommitmentLog
    function append(uint64 sequence, bytes32 previousHead, bytes32 root, uint32 size)
        external
        returns (bool appended)
    {
        if (size == 0) revert EmptyBatch();
        Tip storage current = _tips[msg.sender];
        (uint64 last, bytes32 currentHead) = (current.sequence, current.head);
        bytes32 head = nextHead(previousHead, root, size);

        if (sequence == last && last != 0) {
            // The head is a hash of the other arguments, so an equal head means the same batch.
            if (head == currentHead) return false;
            revert Conflict(last, currentHead);
        }
        if (sequence != last + 1) revert OutOfSequence(last + 1, sequence);
        if (previousHead != currentHead) revert HeadMismatch(currentHead, previousHead);

        current.sequence = sequence;
        current.head = head;
        emit BatchAnchored(msg.sender, sequence, root, size, head);
        return true;
    }

    /// @inheritdoc ICommitmentLog
    function tip(address gateway) external view returns (uint64 sequence, bytes32 head) {
        Tip storage current = _tips[gateway];
        return (current.sequence, current.head);
    }

    /// @inheritdoc ICommitmentLog
    function nextHead(bytes32 previousHead, bytes32 root, uint32 size)
        public
        pure
        returns (bytes32 head)
    {
        return sha256(abi.encodePacked(previousHead, root, size));
    }

    /// @inheritdoc ICommitmentLog
    function verifyInclusion(
        bytes32 commitment,
        uint64 index,
        uint64 size,
        bytes32[] calldata path,
        bytes32 root
    ) external pure returns (bool included) {
        return InclusionProof.verify(commitment, index, size, path, root);
    }
}
