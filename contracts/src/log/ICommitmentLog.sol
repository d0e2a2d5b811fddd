// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title The log in which gateways anchor their batches of commitments
/// @notice Each account that appends has its own log. A log is a hash chain of RFC 9162 tree heads:
///         its head fixes every root, their sizes and their order. Leaves stay off chain; each
///         device holds the inclusion proofs of its own leaves.
/// @dev Nobody owns this contract, and nobody can change or remove an appended batch.
interface ICommitmentLog {
    /// @notice A batch became part of a log. Never emitted twice for one (gateway, sequence).
    /// @param gateway The account whose log it is.
    /// @param sequence The batch's number: consecutive from 1 in each log.
    /// @param root The RFC 9162 tree head (SHA-256) over the batch's commitments.
    /// @param size The number of commitments under `root`.
    /// @param head The log's new head: sha256(previous head ‖ root ‖ size as 4 bytes, big-endian).
    event BatchAnchored(
        address indexed gateway, uint64 indexed sequence, bytes32 root, uint32 size, bytes32 head
    );

    /// @notice Thrown for a batch that is neither the next one nor the one at the tip.
    /// @param expected The sequence that the log takes next.
    /// @param given The sequence of the refused batch.
    error OutOfSequence(uint64 expected, uint64 given);

    /// @notice Thrown if the next batch does not continue the log as it stands.
    /// @param expected The log's head.
    /// @param given The previous head that the caller gave.
    error HeadMismatch(bytes32 expected, bytes32 given);

    /// @notice Thrown for another batch with the sequence of the tip: a log is never rewritten.
    /// @param sequence The sequence of the tip.
    /// @param head The log's head, which differs from the head after the refused batch.
    error Conflict(uint64 sequence, bytes32 head);

    /// @notice Thrown for a batch without commitments.
    error EmptyBatch();

    /// @notice Append a batch to the caller's log.
    /// @dev Idempotent at the tip: a gateway that does not know whether its transaction arrived can
    ///      send it again. The repeated call changes nothing, emits nothing and does not revert.
    /// @param sequence One more than the tip's, or the tip's to repeat it.
    /// @param previousHead The head that the batch follows; zero before the first.
    /// @param root The RFC 9162 tree head over the batch's commitments.
    /// @param size The number of commitments, at least 1.
    /// @return appended True if the log grew, false if this batch was at the tip already.
    function append(uint64 sequence, bytes32 previousHead, bytes32 root, uint32 size)
        external
        returns (bool appended);

    /// @notice The tip of a log.
    /// @param gateway The account whose log it is.
    /// @return sequence The number of batches, which is the sequence of the last; 0 before any.
    /// @return head The head after the last batch; zero before any.
    function tip(address gateway) external view returns (uint64 sequence, bytes32 head);

    /// @notice The head of a log after one more batch.
    /// @dev For auditors who follow a log from its events.
    /// @param previousHead The head before; zero before the first batch.
    /// @param root The batch's root.
    /// @param size The batch's size.
    /// @return head sha256(previousHead ‖ root ‖ size as 4 bytes, big-endian).
    function nextHead(bytes32 previousHead, bytes32 root, uint32 size)
        external
        pure
        returns (bytes32 head);

    /// @notice Whether a commitment is under a batch's root (RFC 9162 section 2.1.3.2, SHA-256).
    /// @dev It does not check that the root is in a log: `BatchAnchored` shows that.
    /// @param commitment The leaf input; its leaf hash is sha256(0x00 ‖ commitment).
    /// @param index Which leaf of the batch it is, from 0.
    /// @param size The number of commitments in the batch.
    /// @param path The inclusion proof, from the leaf upwards.
    /// @param root The batch's root.
    /// @return included True if the proof holds, and has exactly the length that it must have.
    function verifyInclusion(
        bytes32 commitment,
        uint64 index,
        uint64 size,
        bytes32[] calldata path,
        bytes32 root
    ) external pure returns (bool included);
}
