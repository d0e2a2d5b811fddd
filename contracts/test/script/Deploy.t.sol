// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Deploy} from "../../script/Deploy.s.sol";
import {DeviceID} from "../../src/identity/DeviceID.sol";
import {IUserID} from "../../src/identity/IUserID.sol";
import {CommitmentLog} from "../../src/log/CommitmentLog.sol";
import {Test} from "../support/Test.sol";

contract DeployTest is Test {
    CommitmentLog private log;
    DeviceID private devices;
    IUserID private users;

    function setUp() external {
        (log, devices, users) = new Deploy().run();
    }

    function test_EachContractIsWhatItsNameSays() external view {
        equal(address(log).codehash, keccak256(type(CommitmentLog).runtimeCode), "CommitmentLog");
        // The code of the other two holds each other's address, so it has no fixed hash.
        isTrue(address(devices).code.length > 0, "DeviceID");
        isTrue(address(users).code.length > 0, "UserID");
    }

    function test_DeviceIDAndUserIDKnowEachOther() external view {
        equal(address(devices.userID()), address(users), "DeviceID.userID");
        equal(users.deviceRegistry(), address(devices), "UserID.deviceRegistry");
    }

    function test_TheyBeginEmpty() external view {
        (uint64 sequence, bytes32 head) = log.tip(address(this));
        equal(sequence, 0, "sequence");
        equal(head, 0, "head");
        equal(users.profileOf(address(this)), 0, "profile");
    }
}
