// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IUserID} from "./IUserID.sol";

/// @title The birth register of devices
/// @notice A device enters by proving, on chain, that it knows the secret of the key that its
///         identifier is made of, over a statement that names chain, registry, owner, class and the
///         key that will follow. What is entered never changes and is never removed.
/// @dev Nobody owns this contract. Suspension, rotation and revocation are not written here: they
///      belong to a governance contract that reads this one (decision 0009).
interface IDeviceID {
    /// @notice What is to be recorded about a device, as the device signed it.
    /// @dev `publicKey` and `postQuantumDigest` are in the device's identifier; the rest is in the
    ///      registration digest beside it.
    /// @param publicKey The x-only key (BIP-340), as a number in (0, n).
    /// @param postQuantumDigest Zero: the only suite here is 1. It has its place for suite 2.
    /// @param nextKeyDigest Commitment to the key that a rotation will reveal; not zero.
    /// @param owner Who answers for the device: a registered owner of UserID.
    /// @param deviceClass 1 standard, 2 life-critical. Policy decides what a class means.
    struct Registration {
        uint256 publicKey;
        bytes32 postQuantumDigest;
        bytes32 nextKeyDigest;
        address owner;
        uint8 deviceClass;
    }

    /// @notice A BIP-340 signature, with the y-coordinate that a verifier on chain needs.
    /// @param nonceX The signature's first 32 bytes: x of the nonce commitment R.
    /// @param nonceY The even y of R. Public: whoever submits lifts it from nonceX.
    /// @param responseScalar The signature's last 32 bytes: s.
    struct Proof {
        uint256 nonceX;
        uint256 nonceY;
        uint256 responseScalar;
    }

    /// @notice What is recorded about a device.
    /// @param owner Who answers for it; zero if there is no such device.
    /// @param suite The suite of its identifier; 1.
    /// @param deviceClass As registered.
    /// @param addedInBlock The block in which it entered.
    /// @param publicKey The key that it was born with.
    /// @param nextKeyDigest The commitment to its next key.
    struct Device {
        address owner;
        uint8 suite;
        uint8 deviceClass;
        uint64 addedInBlock;
        uint256 publicKey;
        bytes32 nextKeyDigest;
    }

    /// @notice A device entered the register. Emitted once for each device, for ever.
    /// @param deviceId The device.
    /// @param owner Who answers for it.
    /// @param registrar Who entered it: the owner or a registrar of the owner.
    /// @param deviceClass Its class.
    event DeviceAdded(
        bytes32 indexed deviceId,
        address indexed owner,
        address indexed registrar,
        uint8 deviceClass
    );

    /// @notice Thrown if the device is in the register already, with whatever data.
    /// @param deviceId The device.
    error DeviceExists(bytes32 deviceId);

    /// @notice Thrown for a device that is not in the register.
    /// @param deviceId The device.
    error UnknownDevice(bytes32 deviceId);

    /// @notice Thrown if the owner did not register itself in UserID.
    /// @param owner The owner that the statement names.
    error UnknownOwner(address owner);

    /// @notice Thrown if the caller is neither the owner nor appointed by it.
    /// @param owner The owner that the statement names.
    /// @param caller Who tried.
    error NotRegistrar(address owner, address caller);

    /// @notice Thrown for a post-quantum digest that is not zero, which suite 1 does not have.
    error PostQuantumDigestNotZero();

    /// @notice Thrown if there is no commitment to a next key: the identity could never be rotated.
    error NextKeyDigestZero();

    /// @notice Thrown if the identifier is not made of the given key.
    /// @param expected The identifier of the given key.
    /// @param given The identifier that the caller named.
    error WrongDeviceId(bytes32 expected, bytes32 given);

    /// @notice Thrown if the proof does not hold for this statement on this chain and contract.
    error InvalidProof();

    /// @notice Enter a device. For its owner and the owner's registrars.
    /// @dev Two consents meet: the device signs who its owner is, and the owner, or whom it
    ///      appointed, calls. A proof that is copied from the network is of no use to anyone else.
    /// @param deviceId The device's identifier.
    /// @param registration What to record.
    /// @param proof The device's signature over the registration digest.
    function addDevice(bytes32 deviceId, Registration calldata registration, Proof calldata proof)
        external;

    /// @notice The register of owners that belongs to this register of devices.
    function userID() external view returns (IUserID);

    /// @notice Everything that is recorded about a device; reverts for one that is not there.
    /// @param deviceId The device.
    function device(bytes32 deviceId) external view returns (Device memory);

    /// @notice Who answers for a device; zero for one that is not there.
    /// @param deviceId The device.
    function ownerOf(bytes32 deviceId) external view returns (address owner);

    /// @notice The identifier of a device of suite 1.
    /// @param publicKey Its x-only key.
    /// @return deviceId tagged_sha256("countersign/device/1", 0x01 ‖ sha256(publicKey) ‖ 32 zero
    ///         bytes).
    function deviceIdOf(uint256 publicKey) external pure returns (bytes32 deviceId);

    /// @notice What a device signs to be entered here.
    /// @param deviceId The device.
    /// @param owner Who will answer for it.
    /// @param deviceClass Its class.
    /// @param nextKeyDigest The commitment to its next key.
    /// @return digest tagged_sha256("countersign/Registration/1", chain id (32) ‖ this contract (20)
    ///         ‖ deviceId (32) ‖ owner (20) ‖ deviceClass (1) ‖ nextKeyDigest (32)).
    function registrationDigest(
        bytes32 deviceId,
        address owner,
        uint8 deviceClass,
        bytes32 nextKeyDigest
    ) external view returns (bytes32 digest);
}
