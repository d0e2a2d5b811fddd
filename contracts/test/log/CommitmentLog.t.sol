// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {CommitmentLog} from "../../src/log/CommitmentLog.sol";
import {ICommitmentLog} from "../../src/log/ICommitmentLog.sol";
import {Test, Vm} from "../support/Test.sol";

contract CommitmentLogTest is Test {
    address private constant GATEWAY = address(0x6a7e);
    address private constant OTHER_GATEWAY = address(0x6a7f);
    bytes32 private constant ROOT = keccak256("root");

    CommitmentLog private log;

    function setUp() external {
        log = new CommitmentLog();
        vm.startPrank(GATEWAY);
    }

    function test_ALogBeginsEmpty() external view {
        _tipIs(GATEWAY, 0, 0);
    }

    function test_AppendMovesTheTipAndSaysSo() external {
        bytes32 head = sha256(abi.encodePacked(bytes32(0), ROOT, uint32(3)));
        vm.expectEmit(true, true, true, true, address(log));
        emit ICommitmentLog.BatchAnchored(GATEWAY, 1, ROOT, 3, head);
        isTrue(log.append(1, 0, ROOT, 3), "it grew");
        _tipIs(GATEWAY, 1, head);
    }

    function test_TheHeadIsAHashChain() external {
        bytes32 head = 0;
        for (uint32 i = 1; i <= 5; i++) {
            bytes32 root = keccak256(abi.encode(i));
            log.append(i, head, root, i);
            // The preimage has 68 bytes: head, root, and the size as 4 bytes big-endian.
            head = sha256(abi.encodePacked(head, root, bytes4(i)));
            _tipIs(GATEWAY, i, head);
        }
    }

    function test_RepeatingTheTipChangesNothing() external {
        log.append(1, 0, ROOT, 3);
        (, bytes32 head) = log.tip(GATEWAY);
        vm.recordLogs();
        isFalse(log.append(1, 0, ROOT, 3), "it grew");
        equal(vm.getRecordedLogs().length, 0, "events");
        _tipIs(GATEWAY, 1, head);
    }

    function test_RevertIf_AnotherBatchIsAtTheTip() external {
        log.append(1, 0, ROOT, 3);
        (, bytes32 head) = log.tip(GATEWAY);
        bytes memory conflict = abi.encodeWithSelector(ICommitmentLog.Conflict.selector, 1, head);
        vm.expectRevert(conflict);
        log.append(1, 0, keccak256("other"), 3);
        vm.expectRevert(conflict);
        log.append(1, 0, ROOT, 4);
        vm.expectRevert(conflict);
        log.append(1, keccak256("other"), ROOT, 3);
    }

    function test_RevertIf_AnEarlierBatchIsRepeated() external {
        log.append(1, 0, ROOT, 3);
        (, bytes32 head) = log.tip(GATEWAY);
        log.append(2, head, ROOT, 3);
        vm.expectRevert(abi.encodeWithSelector(ICommitmentLog.OutOfSequence.selector, 3, 1));
        log.append(1, 0, ROOT, 3);
    }

    function test_RevertIf_ABatchIsLeftOut() external {
        vm.expectRevert(abi.encodeWithSelector(ICommitmentLog.OutOfSequence.selector, 1, 2));
        log.append(2, 0, ROOT, 3);
    }

    function test_RevertIf_TheSequenceIsZero() external {
        vm.expectRevert(abi.encodeWithSelector(ICommitmentLog.OutOfSequence.selector, 1, 0));
        log.append(0, 0, ROOT, 3);
    }

    function test_RevertIf_ItDoesNotContinueTheLog() external {
        vm.expectRevert(abi.encodeWithSelector(ICommitmentLog.HeadMismatch.selector, 0, ROOT));
        log.append(1, ROOT, ROOT, 3);
        log.append(1, 0, ROOT, 3);
        (, bytes32 head) = log.tip(GATEWAY);
        vm.expectRevert(abi.encodeWithSelector(ICommitmentLog.HeadMismatch.selector, head, 0));
        log.append(2, 0, ROOT, 3);
    }

    function test_RevertIf_TheBatchIsEmpty() external {
        bytes32 emptyRoot = sha256("");
        vm.expectRevert(abi.encodeWithSelector(ICommitmentLog.EmptyBatch.selector));
        log.append(1, 0, emptyRoot, 0);
    }

    function test_LogsDoNotTouchEachOther() external {
        log.append(1, 0, ROOT, 3);
        (, bytes32 head) = log.tip(GATEWAY);
        vm.startPrank(OTHER_GATEWAY);
        _tipIs(OTHER_GATEWAY, 0, 0);
        isTrue(log.append(1, 0, ROOT, 3), "the same batch in another log");
        log.append(2, head, ROOT, 1);
        _tipIs(GATEWAY, 1, head);
    }

    function testFuzz_OnlyTheNextBatchOrTheTipIsTaken(
        uint64 length,
        uint64 sequence,
        bytes32 previousHead,
        bytes32 root,
        uint32 size
    ) external {
        length = uint64(within(length, 0, 4));
        sequence = uint64(within(sequence, 0, 6));
        bytes32 head = 0;
        for (uint64 i = 1; i <= length; i++) {
            log.append(i, head, ROOT, 1);
            (, head) = log.tip(GATEWAY);
        }
        try log.append(sequence, previousHead, root, size) returns (bool) {
            // A random head never fits; only the zero head before the first batch may.
            isTrue(sequence == length + 1 && previousHead == head && size > 0, "a next batch");
        } catch {
            _tipIs(GATEWAY, length, head);
        }
    }

    function testFuzz_NextHeadIsWhatAppendLeadsTo(bytes32 root, uint32 size) external {
        vm.assume(size > 0);
        log.append(1, 0, root, size);
        _tipIs(GATEWAY, 1, log.nextHead(0, root, size));
    }

    function _tipIs(address gateway, uint64 sequence, bytes32 head) private view {
        (uint64 actualSequence, bytes32 actualHead) = log.tip(gateway);
        equal(actualSequence, sequence, "sequence");
        equal(actualHead, head, "head");
    }
}
