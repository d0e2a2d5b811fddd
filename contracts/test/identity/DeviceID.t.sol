// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {DeviceID} from "../../src/identity/DeviceID.sol";
import {IDeviceID} from "../../src/identity/IDeviceID.sol";
import {IUserID} from "../../src/identity/IUserID.sol";
import {Schnorr} from "../../src/proofs/Schnorr.sol";
import {Prover} from "../support/Prover.sol";
import {Vectors} from "../support/Vectors.sol";

contract DeviceIDTest is Prover {
    address private constant GATEWAY = address(0x6a7e);
    bytes32 private constant PROFILE = keccak256("profile");

    DeviceID private devices;
    IUserID private users;

    function setUp() external {
        vm.chainId(Vectors.CHAIN_ID);
        vm.prank(Vectors.DEPLOYER);
        devices = new DeviceID();
        users = devices.userID();
        _becomeOwner(Vectors.OWNER);
        _becomeOwner(Vectors.OTHER_OWNER);
        vm.startPrank(Vectors.OWNER);
        users.appoint(GATEWAY, 1000);
        vm.stopPrank();
    }

    function test_TheVectorsAreForThisContract() external view {
        equal(address(devices), Vectors.REGISTRY, "address");
    }

    function test_ItsUserIDIsItsOwnAndKnowsNobodyElse() external view {
        equal(users.deviceRegistry(), address(devices), "the registry of its UserID");
    }

    // ---- what is accepted ----------------------------------------------------------------------

    function test_ADeviceEntersWithItsProof() external {
        Vectors.Case[] memory cases = Vectors.accepted();
        vm.roll(1234);
        for (uint256 i = 0; i < cases.length; i++) {
            Vectors.Case memory c = cases[i];
            vm.expectEmit(true, true, true, true, address(devices));
            emit IDeviceID.DeviceAdded(c.deviceId, c.owner, GATEWAY, c.deviceClass);
            _submit(GATEWAY, c);

            IDeviceID.Device memory device = devices.device(c.deviceId);
            equal(device.owner, c.owner, "owner");
            equal(device.suite, 1, "suite");
            equal(device.deviceClass, c.deviceClass, "class");
            equal(device.addedInBlock, 1234, "block");
            equal(device.publicKey, c.publicKey, "public key");
            equal(device.nextKeyDigest, c.nextKeyDigest, "next key digest");
            equal(devices.ownerOf(c.deviceId), c.owner, "ownerOf");
            equal(users.deviceCount(c.owner), i + 1, "the owner's count");
            equal(users.deviceAt(c.owner, i), c.deviceId, "the owner's list");
        }
    }

    function test_TheOwnerNeedsNoRegistrar() external {
        _submit(Vectors.OWNER, Vectors.accepted()[0]);
    }

    function test_IdentifiersAreThoseOfPython() external view {
        Vectors.Case[] memory cases = Vectors.accepted();
        for (uint256 i = 0; i < cases.length; i++) {
            equal(devices.deviceIdOf(cases[i].publicKey), cases[i].deviceId, cases[i].name);
        }
    }

    function testFuzz_DeviceIdIsTheTaggedHash(uint256 publicKey) external view {
        bytes32 tag = sha256("countersign/device/1");
        bytes32 keyDigest = sha256(abi.encode(publicKey));
        bytes memory data = abi.encodePacked(tag, tag, uint8(1), keyDigest, bytes32(0));
        equal(devices.deviceIdOf(publicKey), sha256(data), "device id");
    }

    function testFuzz_RegistrationDigestIsTheTaggedHash(
        bytes32 deviceId,
        address owner,
        uint8 deviceClass,
        bytes32 nextKeyDigest,
        uint64 chainId
    ) external {
        vm.assume(chainId > 0);
        vm.chainId(chainId);
        bytes32 tag = sha256("countersign/Registration/1");
        bytes memory data = abi.encodePacked(
            tag,
            tag,
            uint256(chainId),
            address(devices),
            deviceId,
            owner,
            deviceClass,
            nextKeyDigest
        );
        // The fields after the tag have fixed widths: 32 + 20 + 32 + 20 + 1 + 32 bytes.
        equal(data.length, 64 + 137, "width");
        bytes32 digest = devices.registrationDigest(deviceId, owner, deviceClass, nextKeyDigest);
        equal(digest, sha256(data), "registration digest");
    }

    function testFuzz_AnyKeyEnters(
        uint256 seed,
        uint256 nonce,
        uint8 deviceClass,
        bytes32 nextKeyDigest
    ) external {
        vm.assume(nextKeyDigest != 0);
        deviceClass = uint8(within(deviceClass, 1, 2));
        Vectors.Case memory c = _signed(seed, nonce, deviceClass, nextKeyDigest);
        _submit(GATEWAY, c);
        equal(devices.ownerOf(c.deviceId), Vectors.OWNER, "owner");
    }

    // ---- what is refused -----------------------------------------------------------------------

    function test_RevertIf_ItWasSignedForAnythingElse() external {
        Vectors.Case[] memory cases = Vectors.forged();
        for (uint256 i = 0; i < cases.length; i++) {
            vm.expectRevert(abi.encodeWithSelector(IDeviceID.InvalidProof.selector));
            _submit(GATEWAY, cases[i]);
            equal(devices.ownerOf(cases[i].deviceId), address(0), cases[i].name);
        }
    }

    function test_RevertIf_ItIsReplayedToAnotherContract() external {
        DeviceID other = new DeviceID();
        IUserID otherUsers = other.userID();
        vm.startPrank(Vectors.OWNER);
        otherUsers.register(PROFILE);
        Vectors.Case memory c = Vectors.accepted()[0];
        vm.expectRevert(abi.encodeWithSelector(IDeviceID.InvalidProof.selector));
        other.addDevice(c.deviceId, _registration(c), _proof(c));
    }

    function test_RevertIf_ItIsReplayedToAnotherChain() external {
        Vectors.Case memory c = Vectors.accepted()[0];
        vm.chainId(1);
        vm.expectRevert(abi.encodeWithSelector(IDeviceID.InvalidProof.selector));
        _submit(GATEWAY, c);
    }

    function test_RevertIf_ItIsSubmittedForAnotherOwner() external {
        Vectors.Case memory c = Vectors.accepted()[0];
        c.owner = Vectors.OTHER_OWNER;
        vm.expectRevert(abi.encodeWithSelector(IDeviceID.InvalidProof.selector));
        _submit(Vectors.OTHER_OWNER, c);
    }

    function test_RevertIf_IdentifiersAreSwapped() external {
        Vectors.Case[] memory cases = Vectors.accepted();
        (bytes32 first, bytes32 second) = (cases[0].deviceId, cases[1].deviceId);
        cases[0].deviceId = second;
        bytes4 wrong = IDeviceID.WrongDeviceId.selector;
        vm.expectRevert(abi.encodeWithSelector(wrong, first, second));
        _submit(GATEWAY, cases[0]);
    }

    function test_RevertIf_ProofsAreSwapped() external {
        Vectors.Case[] memory cases = Vectors.accepted();
        (cases[0].nonceX, cases[0].nonceY, cases[0].responseScalar) =
        (cases[1].nonceX, cases[1].nonceY, cases[1].responseScalar);
        vm.expectRevert(abi.encodeWithSelector(IDeviceID.InvalidProof.selector));
        _submit(GATEWAY, cases[0]);
    }

    function test_RevertIf_TheDeviceIsThere() external {
        Vectors.Case memory c = Vectors.accepted()[0];
        _submit(GATEWAY, c);
        bytes memory exists = abi.encodeWithSelector(IDeviceID.DeviceExists.selector, c.deviceId);
        vm.expectRevert(exists);
        _submit(GATEWAY, c);
        vm.expectRevert(exists);
        _submit(Vectors.OWNER, c);
        // The same holds for other data with its identifier: another owner, another key, no proof.
        c.owner = Vectors.OTHER_OWNER;
        c.publicKey = 1;
        c.responseScalar = 0;
        vm.expectRevert(exists);
        _submit(Vectors.OTHER_OWNER, c);
        equal(users.deviceCount(Vectors.OWNER), 1, "the owner's count");
    }

    function testFuzz_RevertIf_TheCallerIsNoRegistrar(address caller) external {
        vm.assume(caller != GATEWAY && caller != Vectors.OWNER);
        Vectors.Case memory c = Vectors.accepted()[0];
        bytes4 notRegistrar = IDeviceID.NotRegistrar.selector;
        vm.expectRevert(abi.encodeWithSelector(notRegistrar, Vectors.OWNER, caller));
        _submit(caller, c);
    }

    function test_RevertIf_TheRegistrarWasDismissed() external {
        vm.prank(Vectors.OWNER);
        users.appoint(GATEWAY, 0);
        bytes4 notRegistrar = IDeviceID.NotRegistrar.selector;
        vm.expectRevert(abi.encodeWithSelector(notRegistrar, Vectors.OWNER, GATEWAY));
        _submit(GATEWAY, Vectors.accepted()[0]);
    }

    function testFuzz_RevertIf_TheOwnerIsUnknown(address owner) external {
        vm.assume(owner != Vectors.OWNER && owner != Vectors.OTHER_OWNER);
        Vectors.Case memory c = Vectors.accepted()[0];
        c.owner = owner;
        vm.expectRevert(abi.encodeWithSelector(IDeviceID.UnknownOwner.selector, owner));
        _submit(owner, c);
    }

    function testFuzz_RevertIf_ThereIsAPostQuantumDigest(bytes32 digest) external {
        vm.assume(digest != 0);
        Vectors.Case memory c = Vectors.accepted()[0];
        IDeviceID.Registration memory registration = _registration(c);
        registration.postQuantumDigest = digest;
        vm.prank(GATEWAY);
        vm.expectRevert(abi.encodeWithSelector(IDeviceID.PostQuantumDigestNotZero.selector));
        devices.addDevice(c.deviceId, registration, _proof(c));
    }

    function test_RevertIf_ThereIsNoNextKey() external {
        Vectors.Case memory c = _signed(1, 2, 1, 0);
        vm.expectRevert(abi.encodeWithSelector(IDeviceID.NextKeyDigestZero.selector));
        _submit(GATEWAY, c);
    }

    function testFuzz_RevertIf_TheNextKeyIsThePresentOne(uint256 seed) external {
        seed = 1 + seed % 1000;
        Key memory key = keyFrom(seed);
        bytes32 tag = sha256("countersign/next-key/1");
        bytes32 present = sha256(abi.encodePacked(tag, tag, uint8(1), key.publicKey));
        Vectors.Case memory c = _signed(seed, 2, 1, present);
        vm.expectRevert(abi.encodeWithSignature("NextKeyIsPresentKey()"));
        _submit(GATEWAY, c);
    }

    function testFuzz_RevertIf_TheClassHasNoMeaning(uint8 deviceClass) external {
        vm.assume(deviceClass != 1 && deviceClass != 2);
        Vectors.Case memory c = _signed(1, 2, deviceClass, keccak256("next"));
        vm.expectRevert(abi.encodeWithSelector(IDeviceID.UnknownClass.selector, deviceClass));
        _submit(GATEWAY, c);
    }

    function test_RevertIf_TheRegistrarsDayIsUsedUp() external {
        vm.prank(Vectors.OWNER);
        users.appoint(GATEWAY, 1);
        Vectors.Case[] memory cases = Vectors.accepted();
        _submit(GATEWAY, cases[0]);
        bytes4 reached = IUserID.DailyLimitReached.selector;
        vm.expectRevert(abi.encodeWithSelector(reached, Vectors.OWNER, GATEWAY, 1));
        _submit(GATEWAY, cases[1]);
        equal(devices.ownerOf(cases[1].deviceId), address(0), "nothing was written");
        vm.warp(block.timestamp + 1 days);
        _submit(GATEWAY, cases[1]);
    }

    function test_RevertIf_TheKeyIsOutOfRangeOrNotOnTheCurve() external {
        uint256[6] memory keys = [0, 5, Schnorr.N, Schnorr.N + 2, P, type(uint256).max];
        for (uint256 i = 0; i < keys.length; i++) {
            Vectors.Case memory c = Vectors.accepted()[0];
            c.publicKey = keys[i];
            c.deviceId = devices.deviceIdOf(keys[i]);
            vm.expectRevert(abi.encodeWithSelector(IDeviceID.InvalidProof.selector));
            _submit(GATEWAY, c);
        }
    }

    function test_RevertIf_TheResponseIsNotReduced() external {
        Vectors.Case memory c = Vectors.accepted()[0];
        c.responseScalar = Schnorr.N;
        vm.expectRevert(abi.encodeWithSelector(IDeviceID.InvalidProof.selector));
        _submit(GATEWAY, c);
        c.responseScalar = type(uint256).max;
        vm.expectRevert(abi.encodeWithSelector(IDeviceID.InvalidProof.selector));
        _submit(GATEWAY, c);
    }

    function test_RevertIf_TheNonceCommitmentIsNegated() external {
        Vectors.Case memory c = Vectors.accepted()[0];
        c.nonceY = P - c.nonceY;
        vm.expectRevert(abi.encodeWithSelector(IDeviceID.InvalidProof.selector));
        _submit(GATEWAY, c);
    }

    function testFuzz_RevertIf_AProofIsMadeUp(uint256 x, uint256 y, uint256 s) external {
        Vectors.Case memory c = Vectors.accepted()[0];
        (c.nonceX, c.nonceY, c.responseScalar) = (x, y, s);
        vm.expectRevert(abi.encodeWithSelector(IDeviceID.InvalidProof.selector));
        _submit(GATEWAY, c);
    }

    // ---- asking --------------------------------------------------------------------------------

    function testFuzz_AnUnknownDeviceHasNoRecord(bytes32 deviceId) external {
        equal(devices.ownerOf(deviceId), address(0), "owner");
        vm.expectRevert(abi.encodeWithSelector(IDeviceID.UnknownDevice.selector, deviceId));
        devices.device(deviceId);
    }

    // ---- how -----------------------------------------------------------------------------------

    function _becomeOwner(address owner) private {
        vm.prank(owner);
        users.register(PROFILE);
    }

    function _signed(uint256 seed, uint256 nonce, uint8 deviceClass, bytes32 nextKeyDigest)
        private
        returns (Vectors.Case memory c)
    {
        Key memory key = keyFrom(seed);
        c.publicKey = key.publicKey;
        c.deviceId = devices.deviceIdOf(key.publicKey);
        c.owner = Vectors.OWNER;
        c.deviceClass = deviceClass;
        c.nextKeyDigest = nextKeyDigest;
        bytes32 digest = devices.registrationDigest(c.deviceId, c.owner, deviceClass, nextKeyDigest);
        Signature memory sig = sign(key, digest, nonce);
        (c.nonceX, c.nonceY, c.responseScalar) = (sig.nonceX, sig.nonceY, sig.responseScalar);
    }

    function _submit(address caller, Vectors.Case memory c) private {
        vm.prank(caller);
        devices.addDevice(c.deviceId, _registration(c), _proof(c));
    }

    function _registration(Vectors.Case memory c)
        private
        pure
        returns (IDeviceID.Registration memory)
    {
        return IDeviceID.Registration({
            publicKey: c.publicKey,
            postQuantumDigest: 0,
            nextKeyDigest: c.nextKeyDigest,
            owner: c.owner,
            deviceClass: c.deviceClass
        });
    }

    function _proof(Vectors.Case memory c) private pure returns (IDeviceID.Proof memory) {
        return IDeviceID.Proof(c.nonceX, c.nonceY, c.responseScalar);
    }
}
