// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ICommitmentLog} from "./ICommitmentLog.sol";
import {InclusionProof} from "../proofs/InclusionProof.sol";
import {Schnorr} from "../proofs/Schnorr.sol";

/// @title CommitmentLog
/// @notice The log in which gateways anchor their batches. ICommitmentLog documents it.
contract CommitmentLog is ICommitmentLog {
    /// @dev Two slots. `append` reads both, so that a closed log costs it nothing more.
    struct Log {
        bytes32 head;
        uint64 sequence;
        address successor;
    }

    /// @dev sha256 of "countersign/gateway/1", and of the names of the three statements.
    bytes32 private constant GATEWAY_TAG =
        0xca7b4ebf47df475eba5972fc94d7e120f2cc87de49be3ee8b1544de83907d02a;
    bytes32 private constant CLAIM_TAG =
        0x00d205fab25f6fa7a375b4fbf1a612afa155337c73bed2fdf5a2775baa6f69b4;
    bytes32 private constant SUCCESSION_TAG =
        0x55b5383fd148b8370d539280d3312339deb7666185f55052a651ed704945f716;
    bytes32 private constant ROTATION_TAG =
        0xbe29dc94d04efe2e9bf1c82eeee4660fda322ab2ae30c1f6007edbc07a33800c;

    mapping(address account => Log) private _logs;

    /// @inheritdoc ICommitmentLog
    mapping(address account => uint256 publicKey) public gatewayKeyOf;

    /// @inheritdoc ICommitmentLog
    mapping(uint256 publicKey => address account) public accountOf;

    /// @inheritdoc ICommitmentLog
    function append(uint64 sequence, bytes32 previousHead, bytes32 root, uint32 size)
        external
        returns (bool appended)
    {
        if (size == 0) revert EmptyBatch();
        Log storage current = _logs[msg.sender];
        (uint64 last, address successor) = (current.sequence, current.successor);
        if (successor != address(0)) revert LogClosed(successor);
        bytes32 currentHead = current.head;
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
    function claim(uint256 publicKey, Proof calldata proof) external {
        if (_logs[msg.sender].successor != address(0)) {
            revert LogClosed(_logs[msg.sender].successor);
        }
        if (gatewayKeyOf[msg.sender] != 0) revert AlreadyClaimed(gatewayKeyOf[msg.sender]);
        _take(publicKey, msg.sender);
        _require(publicKey, claimDigest(msg.sender), proof);
        gatewayKeyOf[msg.sender] = publicKey;
        emit GatewayClaimed(msg.sender, gatewayIdOf(publicKey), publicKey);
    }

    /// @inheritdoc ICommitmentLog
    function succeed(address predecessor, uint64 sequence, bytes32 head, Proof calldata proof)
        external
    {
        Log storage closing = _logs[predecessor];
        Log storage opening = _logs[msg.sender];
        uint256 publicKey = gatewayKeyOf[predecessor];
        // 1. The log has a gateway, and was not closed before.
        if (publicKey == 0) revert NotClaimed(predecessor);
        if (closing.successor != address(0)) revert LogClosed(closing.successor);
        // 2. The caller's log is new: it has no batch, no gateway and no successor. So a log does not
        //    succeed itself either: it has a gateway.
        if (
            opening.sequence != 0 || opening.successor != address(0)
                || gatewayKeyOf[msg.sender] != 0
        ) revert NotNew(msg.sender);
        // 3. The batch at which it is closed was appended. Which one had this head is in the events.
        if (sequence > closing.sequence) revert BeyondTip(closing.sequence, sequence);
        bool atTip = sequence == closing.sequence;
        if ((atTip && head != closing.head) || (sequence == 0) != (head == 0)) {
            revert HeadMismatch(closing.head, head);
        }
        // 4. The gateway says so, of these two accounts and this batch.
        _require(publicKey, successionDigest(predecessor, msg.sender, sequence, head), proof);

        closing.successor = msg.sender;
        (opening.sequence, opening.head) = (sequence, head);
        gatewayKeyOf[msg.sender] = publicKey;
        accountOf[publicKey] = msg.sender;
        emit LogSucceeded(predecessor, msg.sender, sequence, head);
    }

    /// @inheritdoc ICommitmentLog
    function rotateKey(uint256 newKey, Proof calldata byOldKey, Proof calldata byNewKey) external {
        if (_logs[msg.sender].successor != address(0)) {
            revert LogClosed(_logs[msg.sender].successor);
        }
        uint256 oldKey = gatewayKeyOf[msg.sender];
        if (oldKey == 0) revert NotClaimed(msg.sender);
        // The old key stays taken, so that no rotation can be repeated later.
        _take(newKey, msg.sender);
        bytes32 digest = rotationDigest(msg.sender, oldKey, newKey);
        _require(oldKey, digest, byOldKey);
        _require(newKey, digest, byNewKey);
        gatewayKeyOf[msg.sender] = newKey;
        emit GatewayKeyRotated(msg.sender, gatewayIdOf(oldKey), gatewayIdOf(newKey), newKey);
    }

    /// @inheritdoc ICommitmentLog
    function tip(address account) external view returns (uint64 sequence, bytes32 head) {
        Log storage current = _logs[account];
        return (current.sequence, current.head);
    }

    /// @inheritdoc ICommitmentLog
    function successorOf(address account) external view returns (address successor) {
        return _logs[account].successor;
    }

    /// @inheritdoc ICommitmentLog
    function gatewayIdOf(uint256 publicKey) public pure returns (bytes32 gatewayId) {
        return sha256(abi.encodePacked(GATEWAY_TAG, GATEWAY_TAG, publicKey));
    }

    /// @inheritdoc ICommitmentLog
    function claimDigest(address account) public view returns (bytes32 digest) {
        return sha256(abi.encodePacked(CLAIM_TAG, CLAIM_TAG, block.chainid, address(this), account));
    }

    /// @inheritdoc ICommitmentLog
    function successionDigest(address predecessor, address successor, uint64 sequence, bytes32 head)
        public
        view
        returns (bytes32 digest)
    {
        return sha256(
            abi.encodePacked(
                SUCCESSION_TAG,
                SUCCESSION_TAG,
                block.chainid,
                address(this),
                predecessor,
                successor,
                sequence,
                head
            )
        );
    }

    /// @inheritdoc ICommitmentLog
    function rotationDigest(address account, uint256 oldKey, uint256 newKey)
        public
        view
        returns (bytes32 digest)
    {
        return sha256(
            abi.encodePacked(
                ROTATION_TAG, ROTATION_TAG, block.chainid, address(this), account, oldKey, newKey
            )
        );
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

    /// @dev Give a key that was never used here to an account.
    function _take(uint256 publicKey, address account) private {
        if (accountOf[publicKey] != address(0)) revert KeyTaken(publicKey, accountOf[publicKey]);
        accountOf[publicKey] = account;
    }

    function _require(uint256 publicKey, bytes32 digest, Proof calldata proof) private pure {
        bool proven =
            Schnorr.verify(publicKey, digest, proof.nonceX, proof.nonceY, proof.responseScalar);
        if (!proven) revert InvalidProof();
    }
}
