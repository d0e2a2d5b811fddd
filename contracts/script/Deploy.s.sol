// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {DeviceID} from "../src/identity/DeviceID.sol";
import {IUserID} from "../src/identity/IUserID.sol";
import {CommitmentLog} from "../src/log/CommitmentLog.sol";

/// @dev The cheat codes of forge that a script needs: what is between the two goes to the chain.
interface Broadcast {
    function startBroadcast() external;
    function stopBroadcast() external;
}

/// @title Put the contracts on a chain
/// @notice Two transactions: CommitmentLog, and DeviceID, which creates its UserID itself
///         (decision 0008). The account that sends them has no power over what it created, so any
///         account with money for the gas will do.
/// @dev Run through `python -m countersign_workshop.ledger.contracts deploy`, which also writes the
///      entry in networks/.
contract Deploy {
    Broadcast private constant vm =
        Broadcast(address(uint160(uint256(keccak256("hevm cheat code")))));

    function run()
        external
        returns (CommitmentLog commitmentLog, DeviceID deviceID, IUserID userID)
    {
        vm.startBroadcast();
        commitmentLog = new CommitmentLog();
        deviceID = new DeviceID();
        vm.stopBroadcast();
        userID = deviceID.userID();
    }
}
