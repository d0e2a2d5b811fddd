// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IUserID} from "../../src/identity/IUserID.sol";
import {UserID} from "../../src/identity/UserID.sol";
import {Test} from "../support/Test.sol";

/// @dev This contract acts as the device registry: the creator of a UserID is its registry.
contract UserIDTest is Test {
    address private constant OWNER = address(0x0123);
    address private constant OTHER_OWNER = address(0x0124);
    address private constant GATEWAY = address(0x6a7e);
    bytes32 private constant PROFILE = keccak256("profile");

    UserID private users;

    function setUp() external {
        users = new UserID();
    }

    function test_ItsCreatorIsItsRegistryForEver() external view {
        equal(users.deviceRegistry(), address(this), "device registry");
    }

    function test_RegisterAndSaySo() external {
        vm.expectEmit(true, true, true, true, address(users));
        emit IUserID.OwnerRegistered(OWNER, PROFILE);
        _register(OWNER);
        equal(users.profileOf(OWNER), PROFILE, "profile");
        isTrue(users.isRegistrar(OWNER, OWNER), "an owner may enter its own devices");
    }

    function test_RevertIf_AnOwnerRegistersAgain() external {
        _register(OWNER);
        vm.prank(OWNER);
        vm.expectRevert(abi.encodeWithSelector(IUserID.OwnerExists.selector, OWNER));
        users.register(keccak256("other"));
    }

    function test_RevertIf_AProfileIsZero() external {
        vm.startPrank(OWNER);
        vm.expectRevert(abi.encodeWithSelector(IUserID.EmptyProfile.selector));
        users.register(0);
        users.register(PROFILE);
        vm.expectRevert(abi.encodeWithSelector(IUserID.EmptyProfile.selector));
        users.changeProfile(0);
    }

    function test_ChangeProfileAndSaySo() external {
        _register(OWNER);
        bytes32 profile = keccak256("other");
        vm.expectEmit(true, true, true, true, address(users));
        emit IUserID.ProfileChanged(OWNER, profile);
        vm.prank(OWNER);
        users.changeProfile(profile);
        equal(users.profileOf(OWNER), profile, "profile");
    }

    function test_AppointAndDismissAndSaySo() external {
        _register(OWNER);
        vm.startPrank(OWNER);
        isFalse(users.isRegistrar(OWNER, GATEWAY), "appointed before");
        vm.expectEmit(true, true, true, true, address(users));
        emit IUserID.RegistrarAppointed(OWNER, GATEWAY, true);
        users.appoint(GATEWAY, true);
        isTrue(users.isRegistrar(OWNER, GATEWAY), "appointed");
        vm.expectEmit(true, true, true, true, address(users));
        emit IUserID.RegistrarAppointed(OWNER, GATEWAY, false);
        users.appoint(GATEWAY, false);
        isFalse(users.isRegistrar(OWNER, GATEWAY), "still appointed");
    }

    function test_AnAppointmentIsForOneOwner() external {
        _register(OWNER);
        _register(OTHER_OWNER);
        vm.prank(OWNER);
        users.appoint(GATEWAY, true);
        isFalse(users.isRegistrar(OTHER_OWNER, GATEWAY), "appointed by another");
        isFalse(users.isRegistrar(GATEWAY, OWNER), "the other way round");
    }

    function test_AnOwnerCannotDismissItself() external {
        _register(OWNER);
        vm.prank(OWNER);
        users.appoint(OWNER, false);
        isTrue(users.isRegistrar(OWNER, OWNER), "its own registrar");
    }

    function test_RevertIf_AStrangerActsAsAnOwner() external {
        vm.startPrank(OWNER);
        vm.expectRevert(abi.encodeWithSelector(IUserID.UnknownOwner.selector, OWNER));
        users.appoint(GATEWAY, true);
        vm.expectRevert(abi.encodeWithSelector(IUserID.UnknownOwner.selector, OWNER));
        users.changeProfile(PROFILE);
        isFalse(users.isRegistrar(OWNER, OWNER), "a stranger is no registrar of itself");
    }

    function test_RecordedDevicesAreListedInOrder() external {
        for (uint256 i = 0; i < 3; i++) {
            equal(users.deviceCount(OWNER), i, "count");
            users.recordDevice(OWNER, keccak256(abi.encode(i)));
        }
        for (uint256 i = 0; i < 3; i++) {
            equal(users.deviceAt(OWNER, i), keccak256(abi.encode(i)), "device");
        }
        equal(users.deviceCount(OTHER_OWNER), 0, "another owner's count");
    }

    function test_RevertIf_TheIndexIsBeyondTheList() external {
        vm.expectRevert(abi.encodeWithSelector(IUserID.NoSuchDevice.selector, 0, 0));
        users.deviceAt(OWNER, 0);
        users.recordDevice(OWNER, PROFILE);
        vm.expectRevert(abi.encodeWithSelector(IUserID.NoSuchDevice.selector, 1, 1));
        users.deviceAt(OWNER, 1);
    }

    function testFuzz_RevertIf_AnyoneElseRecordsADevice(address caller) external {
        vm.assume(caller != address(this));
        vm.prank(caller);
        vm.expectRevert(abi.encodeWithSelector(IUserID.NotDeviceRegistry.selector, caller));
        users.recordDevice(OWNER, PROFILE);
    }

    function _register(address owner) private {
        vm.prank(owner);
        users.register(PROFILE);
    }
}
