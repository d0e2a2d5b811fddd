// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {CommitmentLog} from "../../src/log/CommitmentLog.sol";
import {ICommitmentLog} from "../../src/log/ICommitmentLog.sol";
import {Prover} from "../support/Prover.sol";

/// @title Whose log it is, and how one goes on in another
contract SuccessionTest is Prover {
    address private constant OLD = address(0x6a7e);
    address private constant NEW = address(0x6a7f);
    address private constant THIEF = address(0xbad);
    bytes32 private constant ROOT = keccak256("root");

    CommitmentLog private log;
    Key private key;
    Key private otherKey;

    function setUp() external {
        log = new CommitmentLog();
        key = keyFrom(11);
        otherKey = keyFrom(12);
    }

    // ---- claiming ------------------------------------------------------------------------------

    function test_AClaimLeadsFromTheAccountToTheGatewayAndBack() external {
        ICommitmentLog.Proof memory proof = _claimProof(key, OLD);
        vm.expectEmit(true, true, true, true, address(log));
        emit ICommitmentLog.GatewayClaimed(OLD, log.gatewayIdOf(key.publicKey), key.publicKey);
        vm.prank(OLD);
        log.claim(key.publicKey, proof);
        equal(log.gatewayKeyOf(OLD), key.publicKey, "key");
        equal(log.accountOf(key.publicKey), OLD, "account");
    }

    function test_RevertIf_AnotherAccountUsesTheClaim() external {
        ICommitmentLog.Proof memory proof = _claimProof(key, OLD);
        vm.prank(THIEF);
        vm.expectRevert(abi.encodeWithSelector(ICommitmentLog.InvalidProof.selector));
        log.claim(key.publicKey, proof);
    }

    function test_RevertIf_TheClaimIsForAnotherChainOrContract() external {
        ICommitmentLog.Proof memory proof = _claimProof(key, OLD);
        bytes memory invalid = abi.encodeWithSelector(ICommitmentLog.InvalidProof.selector);
        CommitmentLog other = new CommitmentLog();
        vm.startPrank(OLD);
        vm.expectRevert(invalid);
        other.claim(key.publicKey, proof);
        vm.chainId(77);
        vm.expectRevert(invalid);
        log.claim(key.publicKey, proof);
    }

    function test_RevertIf_TheLogOrTheKeyIsClaimed() external {
        _claim(key, OLD);
        ICommitmentLog.Proof memory second = _claimProof(otherKey, OLD);
        vm.prank(OLD);
        bytes4 claimed = ICommitmentLog.AlreadyClaimed.selector;
        vm.expectRevert(abi.encodeWithSelector(claimed, key.publicKey));
        log.claim(otherKey.publicKey, second);
        ICommitmentLog.Proof memory again = _claimProof(key, NEW);
        vm.prank(NEW);
        bytes4 taken = ICommitmentLog.KeyTaken.selector;
        vm.expectRevert(abi.encodeWithSelector(taken, key.publicKey, OLD));
        log.claim(key.publicKey, again);
    }

    function testFuzz_RevertIf_AClaimIsMadeUp(uint256 publicKey, uint256 x, uint256 y, uint256 s)
        external
    {
        vm.prank(OLD);
        vm.expectRevert(abi.encodeWithSelector(ICommitmentLog.InvalidProof.selector));
        log.claim(publicKey, ICommitmentLog.Proof(x, y, s));
    }

    // ---- going on ------------------------------------------------------------------------------

    function test_ALogGoesOnInAnotherFromItsTip() external {
        _claim(key, OLD);
        bytes32 head = _append(OLD, 3);
        ICommitmentLog.Proof memory proof = _successionProof(key, OLD, NEW, 3, head);
        vm.expectEmit(true, true, true, true, address(log));
        emit ICommitmentLog.LogSucceeded(OLD, NEW, 3, head);
        vm.prank(NEW);
        log.succeed(OLD, 3, head, proof);
        equal(log.successorOf(OLD), NEW, "successor");
        equal(log.gatewayKeyOf(NEW), key.publicKey, "the key goes with it");
        equal(log.accountOf(key.publicKey), NEW, "the key's account");
        vm.prank(NEW);
        isTrue(log.append(4, head, ROOT, 1), "it goes on");
    }

    function test_ABatchOfAThiefIsLeftBehind() external {
        _claim(key, OLD);
        bytes32 head = _append(OLD, 2);
        vm.prank(OLD);
        log.append(3, head, keccak256("junk"), 1);
        _succeed(key, OLD, NEW, 2, head);
        vm.prank(NEW);
        isTrue(log.append(3, head, ROOT, 1), "the gateway's own third batch");
        (uint64 sequence,) = log.tip(OLD);
        equal(sequence, 3, "the junk stays where it is");
    }

    function test_RevertIf_AClosedLogIsWritten() external {
        _claim(key, OLD);
        bytes32 head = _append(OLD, 2);
        _succeed(key, OLD, NEW, 2, head);
        ICommitmentLog.Proof memory proof = _claimProof(otherKey, OLD);
        bytes memory closed = abi.encodeWithSelector(ICommitmentLog.LogClosed.selector, NEW);
        vm.startPrank(OLD);
        vm.expectRevert(closed);
        log.append(3, head, ROOT, 1);
        vm.expectRevert(closed);
        log.append(2, 0, ROOT, 1);
        vm.expectRevert(closed);
        log.claim(otherKey.publicKey, proof);
        vm.expectRevert(closed);
        log.rotateKey(otherKey.publicKey, proof, proof);
    }

    function test_RevertIf_ItIsClosedTwice() external {
        _claim(key, OLD);
        bytes32 head = _append(OLD, 1);
        _succeed(key, OLD, NEW, 1, head);
        ICommitmentLog.Proof memory proof = _successionProof(key, OLD, THIEF, 1, head);
        vm.prank(THIEF);
        vm.expectRevert(abi.encodeWithSelector(ICommitmentLog.LogClosed.selector, NEW));
        log.succeed(OLD, 1, head, proof);
    }

    function test_RevertIf_TheSuccessionIsSignedForAnythingElse() external {
        _claim(key, OLD);
        bytes32 head = _append(OLD, 2);
        bytes32 first = log.nextHead(0, keccak256(abi.encode(uint64(1))), 1);
        bytes memory invalid = abi.encodeWithSelector(ICommitmentLog.InvalidProof.selector);
        ICommitmentLog.Proof memory proof = _successionProof(key, OLD, NEW, 2, head);
        ICommitmentLog.Proof memory byOther = _successionProof(otherKey, OLD, NEW, 2, head);
        vm.prank(THIEF);
        vm.expectRevert(invalid);
        log.succeed(OLD, 2, head, proof);
        vm.startPrank(NEW);
        vm.expectRevert(invalid);
        log.succeed(OLD, 1, first, proof);
        vm.expectRevert(invalid);
        log.succeed(OLD, 2, head, byOther);
        vm.chainId(77);
        vm.expectRevert(invalid);
        log.succeed(OLD, 2, head, proof);
    }

    function test_RevertIf_TheLogWasNotClaimed() external {
        bytes32 head = _append(OLD, 1);
        ICommitmentLog.Proof memory proof = _successionProof(key, OLD, NEW, 1, head);
        vm.prank(NEW);
        vm.expectRevert(abi.encodeWithSelector(ICommitmentLog.NotClaimed.selector, OLD));
        log.succeed(OLD, 1, head, proof);
    }

    function test_RevertIf_TheSuccessorIsNotNew() external {
        _claim(key, OLD);
        bytes32 head = _append(OLD, 1);
        _append(NEW, 1);
        _mustBeNew(NEW, head);
        _claim(otherKey, THIEF);
        _mustBeNew(THIEF, head);
        _mustBeNew(OLD, head);
    }

    function test_RevertIf_ItIsClosedWhereItNeverWas() external {
        _claim(key, OLD);
        bytes32 head = _append(OLD, 2);
        ICommitmentLog.Proof memory proof;
        vm.startPrank(NEW);
        vm.expectRevert(abi.encodeWithSelector(ICommitmentLog.BeyondTip.selector, 2, 3));
        log.succeed(OLD, 3, head, proof);
        bytes4 mismatch = ICommitmentLog.HeadMismatch.selector;
        vm.expectRevert(abi.encodeWithSelector(mismatch, head, ROOT));
        log.succeed(OLD, 2, ROOT, proof);
        vm.expectRevert(abi.encodeWithSelector(mismatch, head, head));
        log.succeed(OLD, 0, head, proof);
        vm.expectRevert(abi.encodeWithSelector(mismatch, head, 0));
        log.succeed(OLD, 1, 0, proof);
    }

    function test_ALogMayBeClosedBeforeItsFirstBatch() external {
        _claim(key, OLD);
        vm.prank(OLD);
        log.append(1, 0, keccak256("junk"), 1);
        _succeed(key, OLD, NEW, 0, 0);
        _append(NEW, 2);
    }

    // ---- another key ---------------------------------------------------------------------------

    function test_AKeyIsReplacedIfBothSign() external {
        _claim(key, OLD);
        _rotate(key, otherKey, OLD);
        equal(log.gatewayKeyOf(OLD), otherKey.publicKey, "key");
        equal(log.accountOf(otherKey.publicKey), OLD, "account");
        bytes32 head = _append(OLD, 1);
        // The old key rules nothing any more.
        ICommitmentLog.Proof memory proof = _successionProof(key, OLD, NEW, 1, head);
        vm.prank(NEW);
        vm.expectRevert(abi.encodeWithSelector(ICommitmentLog.InvalidProof.selector));
        log.succeed(OLD, 1, head, proof);
        _succeed(otherKey, OLD, NEW, 1, head);
    }

    function test_RevertIf_ARotationIsSignedByOneOnly() external {
        _claim(key, OLD);
        ICommitmentLog.Proof memory byOld = _rotationProof(key, key, otherKey, OLD);
        ICommitmentLog.Proof memory byNew = _rotationProof(otherKey, key, otherKey, OLD);
        bytes memory invalid = abi.encodeWithSelector(ICommitmentLog.InvalidProof.selector);
        vm.startPrank(OLD);
        vm.expectRevert(invalid);
        log.rotateKey(otherKey.publicKey, byOld, byOld);
        vm.expectRevert(invalid);
        log.rotateKey(otherKey.publicKey, byNew, byNew);
        vm.stopPrank();
        vm.prank(THIEF);
        vm.expectRevert(abi.encodeWithSelector(ICommitmentLog.NotClaimed.selector, THIEF));
        log.rotateKey(otherKey.publicKey, byOld, byNew);
    }

    function test_RevertIf_AnOldKeyComesBack() external {
        _claim(key, OLD);
        _rotate(key, otherKey, OLD);
        ICommitmentLog.Proof memory byOld = _rotationProof(otherKey, otherKey, key, OLD);
        ICommitmentLog.Proof memory byNew = _rotationProof(key, otherKey, key, OLD);
        vm.prank(OLD);
        bytes4 taken = ICommitmentLog.KeyTaken.selector;
        vm.expectRevert(abi.encodeWithSelector(taken, key.publicKey, OLD));
        log.rotateKey(key.publicKey, byOld, byNew);
    }

    // ---- the statements ------------------------------------------------------------------------

    function testFuzz_DigestsAreTaggedHashes(
        address a,
        address b,
        uint64 sequence,
        bytes32 head,
        uint256 k,
        uint256 l
    ) external view {
        bytes memory where = abi.encodePacked(block.chainid, address(log));
        equal(
            log.claimDigest(a),
            _tagged("countersign/LogClaim/1", abi.encodePacked(where, a)),
            "claim"
        );
        equal(
            log.successionDigest(a, b, sequence, head),
            _tagged("countersign/LogSuccession/1", abi.encodePacked(where, a, b, sequence, head)),
            "succession"
        );
        equal(
            log.rotationDigest(a, k, l),
            _tagged("countersign/GatewayKeyRotation/1", abi.encodePacked(where, a, k, l)),
            "rotation"
        );
        equal(log.gatewayIdOf(k), _tagged("countersign/gateway/1", abi.encode(k)), "gateway id");
    }

    // ---- how -----------------------------------------------------------------------------------

    function _tagged(string memory name, bytes memory data) private pure returns (bytes32) {
        bytes32 tag = sha256(bytes(name));
        return sha256(abi.encodePacked(tag, tag, data));
    }

    function _append(address account, uint64 count) private returns (bytes32 head) {
        vm.startPrank(account);
        for (uint64 i = 1; i <= count; i++) {
            log.append(i, head, keccak256(abi.encode(i)), 1);
            (, head) = log.tip(account);
        }
        vm.stopPrank();
    }

    function _claim(Key memory by, address account) private {
        ICommitmentLog.Proof memory proof = _claimProof(by, account);
        vm.prank(account);
        log.claim(by.publicKey, proof);
    }

    function _succeed(Key memory by, address from, address to, uint64 sequence, bytes32 head)
        private
    {
        ICommitmentLog.Proof memory proof = _successionProof(by, from, to, sequence, head);
        vm.prank(to);
        log.succeed(from, sequence, head, proof);
    }

    function _rotate(Key memory from, Key memory to, address account) private {
        ICommitmentLog.Proof memory byOld = _rotationProof(from, from, to, account);
        ICommitmentLog.Proof memory byNew = _rotationProof(to, from, to, account);
        vm.prank(account);
        log.rotateKey(to.publicKey, byOld, byNew);
    }

    function _mustBeNew(address account, bytes32 head) private {
        ICommitmentLog.Proof memory proof = _successionProof(key, OLD, account, 1, head);
        vm.prank(account);
        vm.expectRevert(abi.encodeWithSelector(ICommitmentLog.NotNew.selector, account));
        log.succeed(OLD, 1, head, proof);
    }

    function _claimProof(Key memory by, address account)
        private
        returns (ICommitmentLog.Proof memory)
    {
        return _proof(by, log.claimDigest(account));
    }

    function _successionProof(
        Key memory by,
        address from,
        address to,
        uint64 sequence,
        bytes32 head
    ) private returns (ICommitmentLog.Proof memory) {
        return _proof(by, log.successionDigest(from, to, sequence, head));
    }

    function _rotationProof(Key memory by, Key memory from, Key memory to, address account)
        private
        returns (ICommitmentLog.Proof memory)
    {
        return _proof(by, log.rotationDigest(account, from.publicKey, to.publicKey));
    }

    function _proof(Key memory by, bytes32 digest) private returns (ICommitmentLog.Proof memory) {
        Signature memory sig = sign(by, digest, uint256(digest));
        return ICommitmentLog.Proof(sig.nonceX, sig.nonceY, sig.responseScalar);
    }
}
