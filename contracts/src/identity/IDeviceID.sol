// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IUserID} from "./IUserID.sol";

/// @title The birth register of devices
/// @notice A device enters by signing a statement with the key that its identifier is made of. The
///         contract verifies the signature on chain. The statement names chain, registry, owner,
///         class and the digest of the next key. A record never changes and is never removed.
/// @dev Nobody owns this contract. It holds no suspension, rotation or revocation: they belong to a
///      governance contract that reads this one (decision 0009).
interface IDeviceID {
    /// @notice The record of a device to be entered, as the device signed it.
    /// @dev `publicKey` and `postQuantumDigest` are part of the device's identifier. The
    ///      registration digest covers the identifier and the other fields.
    /// @param publicKey The x-only key (BIP-340), as a number in (0, n).
    /// @param postQuantumDigest Zero, because the only suite here is 1. It is reserved for suite 2.
    /// @param nextKeyDigest The digest of the key that a rotation will reveal; not zero, and
    ///        not that of `publicKey`.
    /// @param owner The account that answers for the device: a registered owner of UserID.
    /// @param deviceClass 1 standard, 2 life-critical; no other. Policy decides what a class means.
    struct Registration {
        uint256 publicKey;
        bytes32 postQuantumDigest;
        bytes32 nextKeyDigest;
        address owner;
        uint8 deviceClass;
    }

    /// @notice A BIP-340 signature, with the y-coordinate that a verifier on chain needs.
    /// @param nonceX The signature's first 32 bytes: x of the nonce commitment R.
    /// @param nonceY The even y of R. It is public: the caller computes it from nonceX.
    /// @param responseScalar The signature's last 32 bytes: s.
    struct Proof {
        uint256 nonceX;
        uint256 nonceY;
        uint256 responseScalar;
    }

    /// @notice The record of a device.
    /// @param owner The account that answers for it; zero if there is no such device.
    /// @param suite The suite of its identifier; 1.
    /// @param deviceClass The class that it was registered with.
    /// @param addedInBlock The block in which it entered.
    /// @param publicKey The key that its identifier is made of.
    /// @param nextKeyDigest The digest of its next key.
    struct Device {
        address owner;
        uint8 suite;
        uint8 deviceClass;
        uint64 addedInBlock;
        uint256 publicKey;
        bytes32 nextKeyDigest;
    }

    /// @notice A device entered the register. The contract emits this only once for each device.
    /// @param deviceId The device.
    /// @param owner The account that answers for it.
    /// @param registrar The account that entered it: the owner or a registrar of the owner.
    /// @param deviceClass Its class.
    event DeviceAdded(
        bytes32 indexed deviceId,
        address indexed owner,
        address indexed registrar,
        uint8 deviceClass
    );

    /// @notice Thrown if the device is in the register already, whatever its data are.
    /// @param deviceId The device.
    error DeviceExists(bytes32 deviceId);

    /// @notice Thrown for a device that is not in the register.
    /// @param deviceId The device.
    error UnknownDevice(bytes32 deviceId);

    /// @notice Thrown if the owner has not registered itself in UserID.
    /// @param owner The owner that the statement names.
    error UnknownOwner(address owner);

    /// @notice Thrown if the caller is neither the owner nor one of its registrars.
    /// @param owner The owner that the statement names.
    /// @param caller The caller.
    error NotRegistrar(address owner, address caller);

    /// @notice Thrown for a post-quantum digest that is not zero, which suite 1 does not have.
    error PostQuantumDigestNotZero();

    /// @notice Thrown if the digest of the next key is zero: the key could never be rotated.
    error NextKeyDigestZero();

    /// @notice Thrown if the next key is the present one: whoever has the key could rotate it.
    error NextKeyIsPresentKey();

    /// @notice Thrown for a class that has no meaning: a record never changes, and never goes.
    /// @param deviceClass The class.
    error UnknownClass(uint8 deviceClass);

    /// @notice Thrown if the identifier is not made of the given key.
    /// @param expected The identifier of the given key.
    /// @param given The identifier that the caller named.
    error WrongDeviceId(bytes32 expected, bytes32 given);

    /// @notice Thrown if the proof does not hold for this statement on this chain and contract.
    error InvalidProof();

    /// @notice Enter a device. Only its owner and the owner's registrars may call this.
    /// @dev Both sides consent: the device signs its owner's address, and the owner or one of its
    ///      registrars calls. Nobody else can use a proof that was copied from the network.
    /// @param deviceId The device's identifier.
    /// @param registration The record.
    /// @param proof The device's signature over the registration digest.
    function addDevice(bytes32 deviceId, Registration calldata registration, Proof calldata proof)
        external;

    /// @notice The register of owners that belongs to this register of devices.
    function userID() external view returns (IUserID);

    /// @notice The record of a device. Reverts with UnknownDevice if it is not in the register.
    /// @param deviceId The device.
    function device(bytes32 deviceId) external view returns (Device memory);

    /// @notice The owner of a device; zero if the device is not in the register.
    /// @param deviceId The device.
    function ownerOf(bytes32 deviceId) external view returns (address owner);

    /// @notice The identifier of a device of suite 1.
    /// @param publicKey Its x-only key.
    /// @return deviceId tagged_sha256("countersign/device/1", 0x01 ‖ sha256(publicKey) ‖ 32 zero
    ///         bytes).
    function deviceIdOf(uint256 publicKey) external pure returns (bytes32 deviceId);

    /// @notice The digest that a device signs to be entered here.
    /// @param deviceId The device.
    /// @param owner The account that will answer for it.
    /// @param deviceClass Its class.
    /// @param nextKeyDigest The digest of its next key.
    /// @return digest tagged_sha256("countersign/Registration/1", chain id (32) ‖ this contract (20)
    ///         ‖ deviceId (32) ‖ owner (20) ‖ deviceClass (1) ‖ nextKeyDigest (32)).
    function registrationDigest(
        bytes32 deviceId,
        address owner,
        uint8 deviceClass,
        bytes32 nextKeyDigest
    ) external view returns (bytes32 digest);
}
