// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title The register of device owners
/// @notice An owner is an account that registered itself. It appoints registrars (mostly gateways)
///         that may enter devices in its name. The contract lists the owner's devices, so that a
///         rogue device leads to its owner, and from there to all devices of that owner.
/// @dev Owners write about themselves, and the DeviceID that created this contract writes the
///      lists. Nobody else can change anything, and nobody owns the contract.
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
    /// @param appointed True if it was appointed, false if it was dismissed.
    event RegistrarAppointed(address indexed owner, address indexed registrar, bool appointed);

    /// @notice Thrown if an account is not registered, and the call is for owners only or names it
    ///         as an owner.
    /// @param owner The account.
    error UnknownOwner(address owner);

    /// @notice Thrown if an owner registers itself again.
    /// @param owner The owner.
    error OwnerExists(address owner);

    /// @notice Thrown for a profile digest of zero, which means "not registered".
    error EmptyProfile();

    /// @notice Thrown if anyone but the device registry adds a device to an owner's list.
    /// @param caller The caller.
    error NotDeviceRegistry(address caller);

    /// @notice Thrown for an index beyond an owner's list.
    /// @param index The index asked for.
    /// @param count The number of devices there are.
    error NoSuchDevice(uint256 index, uint256 count);

    /// @notice Register the caller as an owner. Each account can do this only once.
    /// @param profileDigest SHA-256 of a document that says who the owner is; not zero.
    function register(bytes32 profileDigest) external;

    /// @notice Replace the caller's profile digest. Only owners may call this.
    /// @param profileDigest SHA-256 of the new document; not zero.
    function changeProfile(bytes32 profileDigest) external;

    /// @notice Appoint an account that may enter devices in the caller's name, or dismiss it. Only
    ///         owners may call this. Devices that the account entered stay.
    /// @param registrar The account.
    /// @param appointed True to appoint it, false to dismiss it.
    function appoint(address registrar, bool appointed) external;

    /// @notice Add a device to an owner's list. Only the device registry may call this.
    /// @param owner A registered owner.
    /// @param deviceId The device, which the registry adds only once.
    function recordDevice(address owner, bytes32 deviceId) external;

    /// @notice The DeviceID contract that created this one.
    function deviceRegistry() external view returns (address);

    /// @notice The digest of an owner's profile; zero for an account that is no owner.
    /// @param owner The account.
    function profileOf(address owner) external view returns (bytes32 profileDigest);

    /// @notice Whether an account may enter devices in an owner's name: the owner itself and its
    ///         registrars may. False if `owner` is not registered.
    /// @param owner The owner.
    /// @param registrar The account.
    function isRegistrar(address owner, address registrar) external view returns (bool);

    /// @notice The number of devices that an owner answers for.
    /// @param owner The owner.
    function deviceCount(address owner) external view returns (uint256);

    /// @notice One of the devices that an owner answers for, in the order of registration.
    /// @param owner The owner.
    /// @param index From 0 to deviceCount(owner) - 1.
    function deviceAt(address owner, uint256 index) external view returns (bytes32 deviceId);
}
