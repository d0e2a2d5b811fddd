// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IDeviceID} from "./IDeviceID.sol";
import {IUserID} from "./IUserID.sol";
import {UserID} from "./UserID.sol";
import {Schnorr} from "../proofs/Schnorr.sol";

/// @title DeviceID
/// @notice The birth register of devices. IDeviceID documents it.
contract DeviceID is IDeviceID {
    uint8 private constant SUITE_SECP256K1 = 1;
    uint8 private constant CLASS_STANDARD = 1;
    uint8 private constant CLASS_LIFE_CRITICAL = 2;

    /// @dev sha256("countersign/device/1").
    bytes32 private constant DEVICE_TAG =
        0xa7fd753a138808e8298b6945e1d4a4fe87e1e734f456de7d3cd841af321d2654;

    /// @dev sha256("countersign/Registration/1").
    bytes32 private constant REGISTRATION_TAG =
        0x112221314c81cef99731d4c1f2ff82444f1dbbda3359e0229ed1916dbd2456c9;

    /// @dev sha256("countersign/next-key/1").
    bytes32 private constant NEXT_KEY_TAG =
        0x6892756b4a84b2728095c92d0cb4afe88298f8f8f7fff219e375fa9f7f3a7ca9;

    /// @inheritdoc IDeviceID
    IUserID public immutable userID = new UserID();

    mapping(bytes32 deviceId => Device) private _devices;

    /// @inheritdoc IDeviceID
    function addDevice(bytes32 deviceId, Registration calldata registration, Proof calldata proof)
        external
    {
        address owner = registration.owner;
        // 1. The device is not registered yet. The first registration is permanent.
        if (_devices[deviceId].owner != address(0)) revert DeviceExists(deviceId);
        // 2. The owner consents: it is the caller, or has appointed the caller.
        if (!userID.isRegistrar(owner, msg.sender)) {
            if (userID.profileOf(owner) == 0) revert UnknownOwner(owner);
            revert NotRegistrar(owner, msg.sender);
        }
        // 3. The record has a meaning, and the identifier is made of this key, in the only suite that
        //    this contract can verify.
        if (registration.postQuantumDigest != 0) revert PostQuantumDigestNotZero();
        if (registration.nextKeyDigest == 0) revert NextKeyDigestZero();
        if (registration.nextKeyDigest == _nextKeyDigestOf(registration.publicKey)) {
            revert NextKeyIsPresentKey();
        }
        if (
            registration.deviceClass != CLASS_STANDARD
                && registration.deviceClass != CLASS_LIFE_CRITICAL
        ) revert UnknownClass(registration.deviceClass);
        bytes32 expected = deviceIdOf(registration.publicKey);
        if (expected != deviceId) revert WrongDeviceId(expected, deviceId);
        // 4. The device consents: it knows the secret of the key, and signed this record.
        bytes32 digest = registrationDigest(
            deviceId, owner, registration.deviceClass, registration.nextKeyDigest
        );
        bool proven = Schnorr.verify(
            registration.publicKey, digest, proof.nonceX, proof.nonceY, proof.responseScalar
        );
        if (!proven) revert InvalidProof();

        _devices[deviceId] = Device({
            owner: owner,
            suite: SUITE_SECP256K1,
            deviceClass: registration.deviceClass,
            addedInBlock: uint64(block.number),
            publicKey: registration.publicKey,
            nextKeyDigest: registration.nextKeyDigest
        });
        userID.recordDevice(owner, msg.sender, deviceId);
        emit DeviceAdded(deviceId, owner, msg.sender, registration.deviceClass);
    }

    /// @inheritdoc IDeviceID
    function device(bytes32 deviceId) external view returns (Device memory) {
        Device memory found = _devices[deviceId];
        if (found.owner == address(0)) revert UnknownDevice(deviceId);
        return found;
    }

    /// @inheritdoc IDeviceID
    function ownerOf(bytes32 deviceId) external view returns (address owner) {
        return _devices[deviceId].owner;
    }

    /// @inheritdoc IDeviceID
    function deviceIdOf(uint256 publicKey) public pure returns (bytes32 deviceId) {
        bytes32 keyDigest = sha256(abi.encodePacked(publicKey));
        return
            sha256(abi.encodePacked(DEVICE_TAG, DEVICE_TAG, SUITE_SECP256K1, keyDigest, bytes32(0)));
    }

    /// @inheritdoc IDeviceID
    function registrationDigest(
        bytes32 deviceId,
        address owner,
        uint8 deviceClass,
        bytes32 nextKeyDigest
    ) public view returns (bytes32 digest) {
        // block.chainid is read at every call: after a fork, old proofs hold on one chain only.
        return sha256(
            abi.encodePacked(
                REGISTRATION_TAG,
                REGISTRATION_TAG,
                block.chainid,
                address(this),
                deviceId,
                owner,
                deviceClass,
                nextKeyDigest
            )
        );
    }

    /// @dev What a device that would rotate to this key commits to.
    function _nextKeyDigestOf(uint256 publicKey) private pure returns (bytes32 digest) {
        return sha256(abi.encodePacked(NEXT_KEY_TAG, NEXT_KEY_TAG, SUITE_SECP256K1, publicKey));
    }
}
