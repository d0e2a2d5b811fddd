// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {CommitmentLog} from "../../src/log/CommitmentLog.sol";
import {Test, Vm} from "../support/Test.sol";

/// @dev A few gateways that append, repeat, skip, and give false heads, and the expected tips.
contract CommitmentLogHandler is Test {
    CommitmentLog public immutable log = new CommitmentLog();

    struct Expected {
        uint64 sequence;
        bytes32 head;
        bytes32 previousHead;
        bytes32 root;
        uint32 size;
        uint64 events;
    }

    mapping(address gateway => Expected) private _expected;
    bool public everDiffered;

    function gatewayAt(uint256 index) public pure returns (address) {
        return address(uint160(0x6a7e + index % 3));
    }

    function expectedOf(address gateway) external view returns (Expected memory) {
        return _expected[gateway];
    }

    function appendNext(uint256 who, bytes32 root, uint32 size) external {
        if (size == 0) size = 1;
        address gateway = gatewayAt(who);
        Expected storage e = _expected[gateway];
        (bool ok, bool grew) = _append(gateway, e.sequence + 1, e.head, root, size);
        if (!ok || !grew) everDiffered = true;
        e.sequence += 1;
        e.previousHead = e.head;
        e.head = sha256(abi.encodePacked(e.head, root, size));
        (e.root, e.size) = (root, size);
    }

    function repeatTip(uint256 who) external {
        address gateway = gatewayAt(who);
        Expected storage e = _expected[gateway];
        if (e.sequence == 0) return;
        (bool ok, bool grew) = _append(gateway, e.sequence, e.previousHead, e.root, e.size);
        if (!ok || grew) everDiffered = true;
    }

    function appendAnything(
        uint256 who,
        uint64 sequence,
        bytes32 previousHead,
        bytes32 root,
        uint32 size
    ) external {
        address gateway = gatewayAt(who);
        Expected storage e = _expected[gateway];
        // A sequence near the tip, where mistakes are likely, and a head that fits no batch.
        sequence = uint64(within(sequence, 0, e.sequence + 3));
        if (previousHead == e.head || previousHead == e.previousHead) previousHead = ~previousHead;
        (bool ok,) = _append(gateway, sequence, previousHead, root, size);
        if (ok) everDiffered = true;
    }

    function _append(
        address gateway,
        uint64 sequence,
        bytes32 previousHead,
        bytes32 root,
        uint32 size
    ) private returns (bool ok, bool grew) {
        vm.recordLogs();
        vm.prank(gateway);
        try log.append(sequence, previousHead, root, size) returns (bool appended) {
            (ok, grew) = (true, appended);
        } catch {}
        uint256 events = vm.getRecordedLogs().length;
        // The log emits one event each time it grows, and none otherwise.
        if (events != (grew ? 1 : 0)) everDiffered = true;
        _expected[gateway].events += uint64(events);
    }
}

contract CommitmentLogInvariants is Test {
    CommitmentLogHandler private handler;
    CommitmentLog private log;

    function setUp() external {
        handler = new CommitmentLogHandler();
        log = handler.log();
        bytes4[] memory functions = new bytes4[](3);
        functions[0] = CommitmentLogHandler.appendNext.selector;
        functions[1] = CommitmentLogHandler.repeatTip.selector;
        functions[2] = CommitmentLogHandler.appendAnything.selector;
        _target(address(handler), functions);
    }

    function invariant_TheTipIsTheFoldOfWhatWasAppended() external view {
        for (uint256 i = 0; i < 3; i++) {
            address gateway = handler.gatewayAt(i);
            (uint64 sequence, bytes32 head) = log.tip(gateway);
            CommitmentLogHandler.Expected memory e = handler.expectedOf(gateway);
            equal(sequence, e.sequence, "sequence");
            equal(head, e.head, "head");
        }
    }

    function invariant_OneEventForEachBatch() external view {
        for (uint256 i = 0; i < 3; i++) {
            address gateway = handler.gatewayAt(i);
            (uint64 sequence,) = log.tip(gateway);
            equal(handler.expectedOf(gateway).events, sequence, "events");
        }
    }

    function invariant_NextIsTakenTipIsANoOpAllElseReverts() external view {
        isFalse(handler.everDiffered(), "a call ended otherwise than it must");
    }
}
