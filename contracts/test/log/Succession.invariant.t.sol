// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {CommitmentLog} from "../../src/log/CommitmentLog.sol";
import {ICommitmentLog} from "../../src/log/ICommitmentLog.sol";
import {Prover} from "../support/Prover.sol";

/// @dev Accounts and gateways that append, claim, close and replace keys, in any order, with proofs
///      of the right key and of others.
contract SuccessionHandler is Prover {
    uint256 public constant ACCOUNTS = 5;
    uint256 public constant KEYS = 5;

    CommitmentLog public immutable log = new CommitmentLog();

    Key[] private _keys;
    /// @dev A closed log's tip, at the moment when it was closed.
    mapping(address account => bytes32 tipDigest) public closedTipOf;
    mapping(address account => uint256 count) public predecessorsOf;
    /// @dev True if a call was accepted without the proof of the log's present key.
    bool public everUnproven;

    constructor() {
        for (uint256 i = 0; i < KEYS; i++) {
            _keys.push(keyFrom(100 + i));
        }
    }

    function accountAt(uint256 index) public pure returns (address) {
        return address(uint160(0x6a7e + index % ACCOUNTS));
    }

    function keyAt(uint256 index) public view returns (uint256) {
        return _keys[index % KEYS].publicKey;
    }

    function tipDigestOf(address account) public view returns (bytes32) {
        (uint64 sequence, bytes32 head) = log.tip(account);
        return keccak256(abi.encode(sequence, head, log.successorOf(account)));
    }

    function append(uint256 who, bytes32 root) external {
        address account = accountAt(who);
        (uint64 sequence, bytes32 head) = log.tip(account);
        vm.prank(account);
        try log.append(sequence + 1, head, root, 1) {
            if (closedTipOf[account] != 0) everUnproven = true;
        } catch {}
    }

    function claim(uint256 who, uint256 which, uint256 signer) external {
        address account = accountAt(who);
        ICommitmentLog.Proof memory proof = _proof(signer, log.claimDigest(account));
        vm.prank(account);
        try log.claim(keyAt(which), proof) {
            if (keyAt(which) != keyAt(signer)) everUnproven = true;
        } catch {}
    }

    function succeed(uint256 from, uint256 to, uint64 back, uint256 signer) external {
        (address predecessor, address successor) = (accountAt(from), accountAt(to));
        (uint64 sequence, bytes32 head) = log.tip(predecessor);
        if (back % 3 == 1 && sequence > 1) (sequence, head) = (sequence - 1, keccak256("earlier"));
        uint256 ruling = log.gatewayKeyOf(predecessor);
        bytes32 digest = log.successionDigest(predecessor, successor, sequence, head);
        ICommitmentLog.Proof memory proof = _proof(signer, digest);
        vm.prank(successor);
        try log.succeed(predecessor, sequence, head, proof) {
            if (ruling != keyAt(signer)) everUnproven = true;
            closedTipOf[predecessor] = tipDigestOf(predecessor);
            predecessorsOf[successor] += 1;
        } catch {}
    }

    function rotate(uint256 who, uint256 to, uint256 signer) external {
        address account = accountAt(who);
        uint256 ruling = log.gatewayKeyOf(account);
        bytes32 digest = log.rotationDigest(account, ruling, keyAt(to));
        ICommitmentLog.Proof memory byOld = _proof(signer, digest);
        ICommitmentLog.Proof memory byNew = _proof(to, digest);
        vm.prank(account);
        try log.rotateKey(keyAt(to), byOld, byNew) {
            if (ruling != keyAt(signer)) everUnproven = true;
        } catch {}
    }

    function _proof(uint256 signer, bytes32 digest) private returns (ICommitmentLog.Proof memory) {
        Signature memory sig = sign(_keys[signer % KEYS], digest, uint256(digest));
        return ICommitmentLog.Proof(sig.nonceX, sig.nonceY, sig.responseScalar);
    }
}

contract SuccessionInvariants is Prover {
    SuccessionHandler private handler;
    CommitmentLog private log;

    function setUp() external {
        handler = new SuccessionHandler();
        log = handler.log();
        bytes4[] memory functions = new bytes4[](4);
        functions[0] = SuccessionHandler.append.selector;
        functions[1] = SuccessionHandler.claim.selector;
        functions[2] = SuccessionHandler.succeed.selector;
        functions[3] = SuccessionHandler.rotate.selector;
        _target(address(handler), functions);
    }

    function invariant_AClosedLogNeverChanges() external view {
        for (uint256 i = 0; i < handler.ACCOUNTS(); i++) {
            address account = handler.accountAt(i);
            bytes32 closed = handler.closedTipOf(account);
            isTrue((closed != 0) == (log.successorOf(account) != address(0)), "closed for ever");
            isTrue(closed == 0 || closed == handler.tipDigestOf(account), "unchanged");
        }
    }

    function invariant_ALogSucceedsOneOtherAtMost() external view {
        for (uint256 i = 0; i < handler.ACCOUNTS(); i++) {
            address account = handler.accountAt(i);
            isTrue(handler.predecessorsOf(account) <= 1, "predecessors");
            isTrue(log.successorOf(account) != account, "a log succeeds itself");
        }
    }

    function invariant_AnOpenLogAndItsGatewayLeadToEachOther() external view {
        for (uint256 i = 0; i < handler.ACCOUNTS(); i++) {
            address account = handler.accountAt(i);
            uint256 publicKey = log.gatewayKeyOf(account);
            if (publicKey == 0 || log.successorOf(account) != address(0)) continue;
            equal(log.accountOf(publicKey), account, "the key's account");
        }
    }

    function invariant_OnlyTheGatewaysKeyRulesALog() external view {
        isFalse(handler.everUnproven(), "a call was accepted without the key's proof");
    }
}
