// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {DeviceID} from "../../src/identity/DeviceID.sol";
import {IDeviceID} from "../../src/identity/IDeviceID.sol";
import {IUserID} from "../../src/identity/IUserID.sol";
import {Prover} from "../support/Prover.sol";

/// @dev Owners, registrars, strangers and devices that make every call, in any order.
contract DeviceIDHandler is Prover {
    uint256 public constant ACCOUNTS = 4;
    uint256 public constant KEYS = 6;

    DeviceID public immutable devices = new DeviceID();
    IUserID public immutable users = devices.userID();

    bytes32[] public entered;
    mapping(bytes32 deviceId => bytes32 recordDigest) public recordOf;
    /// @dev All calls of a run are on one day.
    mapping(address owner => mapping(address registrar => uint32)) public enteredToday;
    mapping(address owner => mapping(address registrar => uint32)) public highestLimit;
    bool public everDiffered;

    function enteredCount() external view returns (uint256) {
        return entered.length;
    }

    function accountAt(uint256 index) public pure returns (address) {
        return address(uint160(0xacc0 + index % ACCOUNTS));
    }

    function digestOf(bytes32 deviceId) public view returns (bytes32) {
        return keccak256(abi.encode(devices.device(deviceId)));
    }

    function registerOwner(uint256 who, bytes32 profile) external {
        address owner = accountAt(who);
        bool expected = profile != 0 && users.profileOf(owner) == 0;
        vm.prank(owner);
        try users.register(profile) {
            if (!expected) everDiffered = true;
        } catch {
            if (expected) everDiffered = true;
        }
    }

    function appoint(uint256 who, uint256 whom, uint32 dailyLimit) external {
        dailyLimit %= 4;
        address owner = accountAt(who);
        bool expected = users.profileOf(owner) != 0;
        vm.prank(owner);
        try users.appoint(accountAt(whom), dailyLimit) {
            if (!expected) everDiffered = true;
            if (dailyLimit > highestLimit[owner][accountAt(whom)]) {
                highestLimit[owner][accountAt(whom)] = dailyLimit;
            }
        } catch {
            if (expected) everDiffered = true;
        }
    }

    /// @dev An `honest` proof signs the submitted record; any other signs another class.
    function addDevice(uint256 caller, uint256 owner, uint256 seed, uint8 class, bool honest)
        external
    {
        class %= 4;
        Key memory key = keyFrom(1 + seed % KEYS);
        IDeviceID.Registration memory registration = IDeviceID.Registration({
            publicKey: key.publicKey,
            postQuantumDigest: 0,
            nextKeyDigest: keccak256(abi.encode(seed)),
            owner: accountAt(owner),
            deviceClass: class
        });
        bytes32 deviceId = devices.deviceIdOf(key.publicKey);
        uint8 signedClass = honest ? class : class ^ 3;
        bytes32 digest = devices.registrationDigest(
            deviceId, registration.owner, signedClass, registration.nextKeyDigest
        );
        Signature memory sig = sign(key, digest, seed);

        bool expected = honest && devices.ownerOf(deviceId) == address(0)
            && (class == 1 || class == 2)
            && users.isRegistrar(registration.owner, accountAt(caller))
            && _mayEnterOneMore(registration.owner, accountAt(caller));
        vm.prank(accountAt(caller));
        try devices.addDevice(
            deviceId, registration, IDeviceID.Proof(sig.nonceX, sig.nonceY, sig.responseScalar)
        ) {
            if (!expected) everDiffered = true;
            entered.push(deviceId);
            recordOf[deviceId] = digestOf(deviceId);
            enteredToday[registration.owner][accountAt(caller)] += 1;
        } catch {
            if (expected) everDiffered = true;
        }
    }

    function _mayEnterOneMore(address owner, address registrar) private view returns (bool) {
        (, uint32 left) = users.allowanceOf(owner, registrar);
        return registrar == owner || left > 0;
    }

    function recordByHand(uint256 who, bytes32 deviceId) external {
        vm.prank(accountAt(who));
        try users.recordDevice(accountAt(who), accountAt(who), deviceId) {
            everDiffered = true;
        } catch {}
    }
}

contract DeviceIDInvariants is Prover {
    DeviceIDHandler private handler;

    function setUp() external {
        handler = new DeviceIDHandler();
        bytes4[] memory functions = new bytes4[](4);
        functions[0] = DeviceIDHandler.registerOwner.selector;
        functions[1] = DeviceIDHandler.appoint.selector;
        functions[2] = DeviceIDHandler.addDevice.selector;
        functions[3] = DeviceIDHandler.recordByHand.selector;
        _target(address(handler), functions);
    }

    function invariant_ADeviceEntersIfAndOnlyIfBothConsent() external view {
        isFalse(handler.everDiffered(), "a call ended otherwise than it must");
    }

    function invariant_ARecordNeverChanges() external view {
        for (uint256 i = 0; i < handler.enteredCount(); i++) {
            bytes32 deviceId = handler.entered(i);
            equal(handler.digestOf(deviceId), handler.recordOf(deviceId), "record");
        }
    }

    function invariant_OwnersListsAreThePartitionOfAllDevices() external view {
        DeviceID devices = handler.devices();
        IUserID users = handler.users();
        uint256 total = 0;
        for (uint256 i = 0; i < handler.ACCOUNTS(); i++) {
            address owner = handler.accountAt(i);
            uint256 count = users.deviceCount(owner);
            total += count;
            for (uint256 j = 0; j < count; j++) {
                bytes32 deviceId = users.deviceAt(owner, j);
                equal(devices.ownerOf(deviceId), owner, "owner");
                for (uint256 k = 0; k < j; k++) {
                    isTrue(users.deviceAt(owner, k) != deviceId, "listed once");
                }
            }
            isTrue(count == 0 || users.profileOf(owner) != 0, "owners are registered");
        }
        equal(total, handler.enteredCount(), "devices in all lists");
    }

    function invariant_NoRegistrarEntersMoreThanItsOwnerAllowed() external view {
        for (uint256 i = 0; i < handler.ACCOUNTS(); i++) {
            for (uint256 j = 0; j < handler.ACCOUNTS(); j++) {
                (address owner, address other) = (handler.accountAt(i), handler.accountAt(j));
                if (owner == other) continue;
                uint32 entered = handler.enteredToday(owner, other);
                isTrue(entered <= handler.highestLimit(owner, other), "within the limit");
            }
        }
    }

    function invariant_NoTwoOwnersHaveOneProfile() external view {
        IUserID users = handler.users();
        for (uint256 i = 0; i < handler.ACCOUNTS(); i++) {
            bytes32 profile = users.profileOf(handler.accountAt(i));
            for (uint256 j = 0; j < i; j++) {
                bytes32 other = users.profileOf(handler.accountAt(j));
                isTrue(profile == 0 || profile != other, "a profile of two owners");
            }
        }
    }

    function invariant_EveryClassHasAMeaning() external view {
        DeviceID devices = handler.devices();
        for (uint256 i = 0; i < handler.enteredCount(); i++) {
            uint8 class = devices.device(handler.entered(i)).deviceClass;
            isTrue(class == 1 || class == 2, "class");
        }
    }

    function invariant_IdentifiersAreMadeOfTheirKeys() external view {
        DeviceID devices = handler.devices();
        for (uint256 i = 0; i < handler.enteredCount(); i++) {
            bytes32 deviceId = handler.entered(i);
            equal(devices.deviceIdOf(devices.device(deviceId).publicKey), deviceId, "device id");
        }
    }
}
