// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Who answers for devices
/// @notice An owner is an account that registered itself. It appoints registrars (gateways, mostly)
///         that may enter devices in its name, and the list of its devices is kept here, so that a
///         rogue device is traced to its owner and from there to all of its others.
/// @dev Written by owners about themselves, and by the one DeviceID that created it. Nobody else
///      can change anything, and nobody owns the contract.
interface IUserID {
    /// @notice An account became an owner.
    /// @param owner The account.
    /// @param profileDigest Digest of the owner's published profile.
    event OwnerRegistered(address indexed owner, bytes32 profileDigest);

    /// @notice An owner published another profile; the earlier ones stay in the events.
    /// @param owner The owner.
    /// @param profileDigest Digest of the new profile.
    event ProfileChanged(address indexed owner, bytes32 profileDigest);

    /// @notice An owner appointed a registrar, or dismissed one.
    /// @param owner The owner.
    /// @param registrar The account that may, or may no longer, enter devices for the owner.
    /// @param appointed Which of the two.
    event RegistrarAppointed(address indexed owner, address indexed registrar, bool appointed);

    /// @notice Thrown if a call that only an owner can make, or that names an owner, meets an
    ///         account that is not registered.
    /// @param owner The account.
    error UnknownOwner(address owner);

    /// @notice Thrown if an owner registers itself again.
    /// @param owner The owner.
    error OwnerExists(address owner);

    /// @notice Thrown for a profile digest of zero, which means "not registered".
    error EmptyProfile();

    /// @notice Thrown if anyone but the device registry adds a device to an owner's list.
    /// @param caller Who tried.
    error NotDeviceRegistry(address caller);

    /// @notice Thrown for an index beyond an owner's list.
    /// @param index The index asked for.
    /// @param count The number of devices there are.
    error NoSuchDevice(uint256 index, uint256 count);

    /// @notice Become an owner. For the caller alone, once.
    /// @param profileDigest SHA-256 of a document that says who the owner is; not zero.
    function register(bytes32 profileDigest) external;

    /// @notice Point to another profile. For owners.
    /// @param profileDigest SHA-256 of the new document; not zero.
    function changeProfile(bytes32 profileDigest) external;

    /// @notice Appoint an account that may enter devices in the caller's name, or dismiss it. For
    ///         owners. Devices that it entered stay.
    /// @param registrar The account.
    /// @param appointed True to appoint it, false to dismiss it.
    function appoint(address registrar, bool appointed) external;

    /// @notice Add a device to an owner's list. For the device registry alone.
    /// @param owner A registered owner.
    /// @param deviceId The device, which the registry adds only once.
    function recordDevice(address owner, bytes32 deviceId) external;

    /// @notice The DeviceID contract that created this one.
    function deviceRegistry() external view returns (address);

    /// @notice The digest of an owner's profile; zero for an account that is no owner.
    /// @param owner The account.
    function profileOf(address owner) external view returns (bytes32 profileDigest);

    /// @notice Whether an account may enter devices in an owner's name: the owner itself may, and
    ///         those whom it appointed. False if `owner` is not registered.
    /// @param owner The owner.
    /// @param registrar The account.
    function isRegistrar(address owner, address registrar) external view returns (bool);

    /// @notice How many devices an owner answers for.
    /// @param owner The owner.
    function deviceCount(address owner) external view returns (uint256);

    /// @notice One of the devices that an owner answers for, in the order in which they came.
    /// @param owner The owner.
    /// @param index From 0 to deviceCount(owner) - 1.
    function deviceAt(address owner, uint256 index) external view returns (bytes32 deviceId);
}
