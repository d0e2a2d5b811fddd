// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title The log in which gateways anchor their batches of commitments
/// @notice Each account that appends has its own log. A log is a hash chain of RFC 9162 tree heads:
///         its head fixes every root, their sizes and their order. Leaves stay off chain; each
///         device holds the inclusion proofs of its own leaves.
///
///         A gateway claims its account's log with the key that also signs its statements, so that a
///         log leads to a gateway_id and back. From then on the account's key alone cannot end or
///         divert the log: the gateway's key closes it at one of its batches, and names the account
///         that goes on. The account's key is on the machine that sends transactions; whoever steals
///         it can append nonsense, and nothing else.
/// @dev Nobody owns this contract, and nobody can change or remove an appended batch.
interface ICommitmentLog {
    /// @notice A BIP-340 signature, with the y-coordinate that a verifier on chain needs.
    /// @param nonceX The signature's first 32 bytes: x of the nonce commitment R.
    /// @param nonceY The even y of R. It is public: the caller computes it from nonceX.
    /// @param responseScalar The signature's last 32 bytes: s.
    struct Proof {
        uint256 nonceX;
        uint256 nonceY;
        uint256 responseScalar;
    }

    /// @notice A gateway proved with its key that an account's log is its own.
    /// @param account The account.
    /// @param gatewayId The gateway: see gatewayIdOf.
    /// @param publicKey The gateway's x-only key.
    event GatewayClaimed(address indexed account, bytes32 indexed gatewayId, uint256 publicKey);

    /// @notice A gateway closed one account's log and goes on in another's. Later batches of the
    ///         closed log, if it has any, are not the gateway's.
    /// @param predecessor The account whose log is closed.
    /// @param successor The account whose log goes on, from the same batch.
    /// @param sequence The last batch of the closed log that counts; 0 if none does.
    /// @param head The head after that batch.
    event LogSucceeded(
        address indexed predecessor, address indexed successor, uint64 sequence, bytes32 head
    );

    /// @notice A gateway replaced its key.
    /// @param account The account whose log it is.
    /// @param oldGatewayId The gateway that it was.
    /// @param newGatewayId The gateway that it is from now on.
    /// @param newKey The new x-only key.
    event GatewayKeyRotated(
        address indexed account,
        bytes32 indexed oldGatewayId,
        bytes32 indexed newGatewayId,
        uint256 newKey
    );

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

    /// @notice Thrown if the log was closed: nothing changes in it any more.
    /// @param successor The account whose log goes on.
    error LogClosed(address successor);

    /// @notice Thrown if the caller's log has a gateway already.
    /// @param publicKey The gateway's key.
    error AlreadyClaimed(uint256 publicKey);

    /// @notice Thrown if no gateway has claimed the log.
    /// @param account The account.
    error NotClaimed(address account);

    /// @notice Thrown for a key that was used here before, even if it was replaced since.
    /// @param publicKey The key.
    /// @param account The account that it belongs to, or belonged to last.
    error KeyTaken(uint256 publicKey, address account);

    /// @notice Thrown if an account that is to go on has a log of its own.
    /// @param account The account.
    error NotNew(address account);

    /// @notice Thrown if a log is to be closed at a batch that it does not have.
    /// @param last The log's last batch.
    /// @param given The batch that was named.
    error BeyondTip(uint64 last, uint64 given);

    /// @notice Thrown if the proof does not hold for this statement on this chain and contract.
    error InvalidProof();

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

    /// @notice Claim the caller's log for a gateway. A log is claimed once, by one key.
    /// @dev Claim it before the first batch: whoever steals the account's key first could claim it
    ///      for a key of its own.
    /// @param publicKey The gateway's x-only key.
    /// @param proof The gateway's signature over claimDigest(caller).
    function claim(uint256 publicKey, Proof calldata proof) external;

    /// @notice Close another account's log at one of its batches, and go on in the caller's.
    /// @dev The caller's log begins with `sequence` batches and this head, as if it had appended
    ///      them. The contract knows no head but the last one. So for an earlier batch an auditor
    ///      compares `head` with that batch's event, as with every other head of a log.
    /// @param predecessor The account whose log is closed; its gateway signs.
    /// @param sequence The last batch that counts.
    /// @param head The head after it.
    /// @param proof The signature of the log's gateway over successionDigest.
    function succeed(address predecessor, uint64 sequence, bytes32 head, Proof calldata proof)
        external;

    /// @notice Replace the key of the gateway whose log the caller's is. Both keys sign.
    /// @param newKey The new x-only key, which was never used here.
    /// @param byOldKey The old key's signature over rotationDigest.
    /// @param byNewKey The new key's signature over the same.
    function rotateKey(uint256 newKey, Proof calldata byOldKey, Proof calldata byNewKey) external;

    /// @notice The key of the gateway that claimed an account's log; 0 if none has.
    /// @param account The account.
    function gatewayKeyOf(address account) external view returns (uint256 publicKey);

    /// @notice The account that a key belongs to, or belonged to last; zero if it was never used
    ///         here. The key is the account's present one if gatewayKeyOf(accountOf(key)) is the key.
    /// @param publicKey The x-only key.
    function accountOf(uint256 publicKey) external view returns (address account);

    /// @notice The account whose log goes on for a closed one; zero for a log that is not closed.
    /// @param account The account.
    function successorOf(address account) external view returns (address successor);

    /// @notice The identifier of a gateway.
    /// @param publicKey Its x-only key.
    /// @return gatewayId tagged_sha256("countersign/gateway/1", publicKey).
    function gatewayIdOf(uint256 publicKey) external pure returns (bytes32 gatewayId);

    /// @notice The digest that a gateway signs to claim an account's log.
    /// @param account The account.
    /// @return digest tagged_sha256("countersign/LogClaim/1", chain id (32) ‖ this contract (20) ‖
    ///         account (20)).
    function claimDigest(address account) external view returns (bytes32 digest);

    /// @notice The digest that a gateway signs to close a log.
    /// @param predecessor The account whose log is closed.
    /// @param successor The account whose log goes on.
    /// @param sequence The last batch that counts.
    /// @param head The head after it.
    /// @return digest tagged_sha256("countersign/LogSuccession/1", chain id (32) ‖ this contract
    ///         (20) ‖ predecessor (20) ‖ successor (20) ‖ sequence (8) ‖ head (32)).
    function successionDigest(address predecessor, address successor, uint64 sequence, bytes32 head)
        external
        view
        returns (bytes32 digest);

    /// @notice The digest that both keys sign to replace the one by the other.
    /// @param account The account whose log it is.
    /// @param oldKey The present x-only key.
    /// @param newKey The new x-only key.
    /// @return digest tagged_sha256("countersign/GatewayKeyRotation/1", chain id (32) ‖ this
    ///         contract (20) ‖ account (20) ‖ oldKey (32) ‖ newKey (32)).
    function rotationDigest(address account, uint256 oldKey, uint256 newKey)
        external
        view
        returns (bytes32 digest);

    /// @notice The tip of a log.
    /// @param account The account whose log it is.
    /// @return sequence The number of the last batch; 0 before any.
    /// @return head The head after the last batch; zero before any.
    function tip(address account) external view returns (uint64 sequence, bytes32 head);

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
