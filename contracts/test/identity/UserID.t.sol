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
        emit IUserID.OwnerRegistered(OWNER, users.profileDigestOf(OWNER, PROFILE));
        _register(OWNER);
        equal(users.profileOf(OWNER), users.profileDigestOf(OWNER, PROFILE), "profile");
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
        bytes32 profile = users.profileDigestOf(OWNER, keccak256("other"));
        vm.expectEmit(true, true, true, true, address(users));
        emit IUserID.ProfileChanged(OWNER, profile);
        vm.prank(OWNER);
        users.changeProfile(keccak256("other"));
        equal(users.profileOf(OWNER), profile, "profile");
    }

    function test_AppointAndDismissAndSaySo() external {
        _register(OWNER);
        vm.startPrank(OWNER);
        isFalse(users.isRegistrar(OWNER, GATEWAY), "appointed before");
        vm.expectEmit(true, true, true, true, address(users));
        emit IUserID.RegistrarAppointed(OWNER, GATEWAY, 7);
        users.appoint(GATEWAY, 7);
        isTrue(users.isRegistrar(OWNER, GATEWAY), "appointed");
        vm.expectEmit(true, true, true, true, address(users));
        emit IUserID.RegistrarAppointed(OWNER, GATEWAY, 0);
        users.appoint(GATEWAY, 0);
        isFalse(users.isRegistrar(OWNER, GATEWAY), "still appointed");
    }

    function test_AnAppointmentIsForOneOwner() external {
        _register(OWNER);
        _register(OTHER_OWNER);
        vm.prank(OWNER);
        users.appoint(GATEWAY, 7);
        isFalse(users.isRegistrar(OTHER_OWNER, GATEWAY), "appointed by another");
        isFalse(users.isRegistrar(GATEWAY, OWNER), "the other way round");
    }

    function test_AnOwnerCannotDismissItself() external {
        _register(OWNER);
        vm.prank(OWNER);
        users.appoint(OWNER, 0);
        isTrue(users.isRegistrar(OWNER, OWNER), "its own registrar");
    }

    function test_RevertIf_AStrangerActsAsAnOwner() external {
        vm.startPrank(OWNER);
        vm.expectRevert(abi.encodeWithSelector(IUserID.UnknownOwner.selector, OWNER));
        users.appoint(GATEWAY, 7);
        vm.expectRevert(abi.encodeWithSelector(IUserID.UnknownOwner.selector, OWNER));
        users.changeProfile(PROFILE);
        isFalse(users.isRegistrar(OWNER, OWNER), "a stranger is no registrar of itself");
    }

    function test_RecordedDevicesAreListedInOrder() external {
        for (uint256 i = 0; i < 3; i++) {
            equal(users.deviceCount(OWNER), i, "count");
            users.recordDevice(OWNER, OWNER, keccak256(abi.encode(i)));
        }
        for (uint256 i = 0; i < 3; i++) {
            equal(users.deviceAt(OWNER, i), keccak256(abi.encode(i)), "device");
        }
        equal(users.deviceCount(OTHER_OWNER), 0, "another owner's count");
    }

    function test_RevertIf_TheIndexIsBeyondTheList() external {
        vm.expectRevert(abi.encodeWithSelector(IUserID.NoSuchDevice.selector, 0, 0));
        users.deviceAt(OWNER, 0);
        users.recordDevice(OWNER, OWNER, PROFILE);
        vm.expectRevert(abi.encodeWithSelector(IUserID.NoSuchDevice.selector, 1, 1));
        users.deviceAt(OWNER, 1);
    }

    function testFuzz_RevertIf_AnyoneElseRecordsADevice(address caller) external {
        vm.assume(caller != address(this));
        vm.prank(caller);
        vm.expectRevert(abi.encodeWithSelector(IUserID.NotDeviceRegistry.selector, caller));
        users.recordDevice(OWNER, OWNER, PROFILE);
    }

    // ---- whose profile it is -------------------------------------------------------------------

    function testFuzz_AProfileCannotBeCopied(address copier, bytes32 document) external {
        vm.assume(copier != OWNER && document != 0);
        vm.prank(OWNER);
        users.register(document);
        bytes32 profile = users.profileOf(OWNER);
        // Neither the document's digest nor the profile's own gives another account the same one.
        vm.prank(copier);
        users.register(document);
        isTrue(users.profileOf(copier) != profile, "the document's digest");
        vm.prank(copier);
        users.changeProfile(profile);
        isTrue(users.profileOf(copier) != profile, "the profile's own digest");
    }

    function testFuzz_ProfileDigestIsTheTaggedHash(address owner, bytes32 document, uint64 chainId)
        external
    {
        vm.assume(chainId > 0);
        vm.chainId(chainId);
        bytes32 tag = sha256("countersign/Profile/1");
        bytes memory data =
            abi.encodePacked(tag, tag, uint256(chainId), address(users), owner, document);
        equal(data.length, 64 + 104, "width");
        equal(users.profileDigestOf(owner, document), sha256(data), "profile digest");
    }

    // ---- how many in a day ---------------------------------------------------------------------

    function test_ARegistrarHasADailyLimit() external {
        _appointed(2);
        vm.warp(20_000 days + 1);
        _record(0);
        _allowanceIs(2, 1);
        _record(1);
        _allowanceIs(2, 0);
        bytes4 reached = IUserID.DailyLimitReached.selector;
        vm.expectRevert(abi.encodeWithSelector(reached, OWNER, GATEWAY, 2));
        _record(2);
        // The owner itself has none.
        users.recordDevice(OWNER, OWNER, keccak256("by the owner"));
        vm.warp(20_001 days - 1);
        vm.expectRevert(abi.encodeWithSelector(reached, OWNER, GATEWAY, 2));
        _record(2);
        vm.warp(20_001 days);
        _allowanceIs(2, 2);
        _record(2);
        _allowanceIs(2, 1);
    }

    function test_AnotherAppointmentGivesNoSecondAllowance() external {
        _appointed(1);
        _record(0);
        vm.startPrank(OWNER);
        users.appoint(GATEWAY, 0);
        users.appoint(GATEWAY, 1);
        vm.stopPrank();
        _allowanceIs(1, 0);
        bytes4 reached = IUserID.DailyLimitReached.selector;
        vm.expectRevert(abi.encodeWithSelector(reached, OWNER, GATEWAY, 1));
        _record(1);
        vm.prank(OWNER);
        users.appoint(GATEWAY, 2);
        _record(1);
    }

    function test_TheLimitOfOneOwnerIsNotThatOfAnother() external {
        _appointed(1);
        _register(OTHER_OWNER);
        vm.prank(OTHER_OWNER);
        users.appoint(GATEWAY, 1);
        _record(0);
        users.recordDevice(OTHER_OWNER, GATEWAY, keccak256("another"));
        equal(users.deviceCount(OTHER_OWNER), 1, "count");
    }

    function _appointed(uint32 dailyLimit) private {
        _register(OWNER);
        vm.prank(OWNER);
        users.appoint(GATEWAY, dailyLimit);
    }

    function _record(uint256 number) private {
        users.recordDevice(OWNER, GATEWAY, keccak256(abi.encode(number)));
    }

    function _allowanceIs(uint32 dailyLimit, uint32 left) private view {
        (uint32 actualLimit, uint32 actualLeft) = users.allowanceOf(OWNER, GATEWAY);
        equal(actualLimit, dailyLimit, "limit");
        equal(actualLeft, left, "left");
    }

    function _register(address owner) private {
        vm.prank(owner);
        users.register(PROFILE);
    }
}
