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
    /// @param profileDigest The owner's profile digest: see profileDigestOf.
    event OwnerRegistered(address indexed owner, bytes32 profileDigest);

    /// @notice An owner published another profile; the earlier ones stay in the events.
    /// @param owner The owner.
    /// @param profileDigest Digest of the new profile.
    event ProfileChanged(address indexed owner, bytes32 profileDigest);

    /// @notice An owner appointed a registrar, changed its limit, or dismissed it.
    /// @param owner The owner.
    /// @param registrar The account that may, or may no longer, enter devices for the owner.
    /// @param dailyLimit How many devices it may enter on one day; 0 if it was dismissed.
    event RegistrarAppointed(address indexed owner, address indexed registrar, uint32 dailyLimit);

    /// @notice Thrown if an account is not registered, and the call is for owners only or names it
    ///         as an owner.
    /// @param owner The account.
    error UnknownOwner(address owner);

    /// @notice Thrown if an owner registers itself again.
    /// @param owner The owner.
    error OwnerExists(address owner);

    /// @notice Thrown for a document digest of zero, which no document has.
    error EmptyProfile();

    /// @notice Thrown if a registrar has entered as many devices today as the owner allows.
    /// @param owner The owner.
    /// @param registrar The registrar.
    /// @param dailyLimit How many devices it may enter on one day.
    error DailyLimitReached(address owner, address registrar, uint32 dailyLimit);

    /// @notice Thrown if anyone but the device registry adds a device to an owner's list.
    /// @param caller The caller.
    error NotDeviceRegistry(address caller);

    /// @notice Thrown for an index beyond an owner's list.
    /// @param index The index asked for.
    /// @param count The number of devices there are.
    error NoSuchDevice(uint256 index, uint256 count);

    /// @notice Register the caller as an owner. Each account can do this only once.
    /// @dev What is stored is bound to the caller, so that nobody can copy it. A document is its
    ///      owner's if it names this chain, this contract and the owner's account, and the owner's
    ///      digest is that of the document. Whoever registers another's document gets a digest of
    ///      its own, under a document that names another account.
    /// @param documentDigest SHA-256 of a document that says who the owner is; not zero.
    function register(bytes32 documentDigest) external;

    /// @notice Replace the caller's profile digest. Only owners may call this.
    /// @param documentDigest SHA-256 of the new document; not zero.
    function changeProfile(bytes32 documentDigest) external;

    /// @notice Appoint an account that may enter devices in the caller's name, change its limit, or
    ///         dismiss it. Only owners may call this. Devices that the account entered stay.
    /// @dev A day is one of UTC, by the time of the block. So up to two days' allowance may be used
    ///      within a few minutes, around midnight. An owner has no limit for itself.
    /// @param registrar The account.
    /// @param dailyLimit How many devices it may enter on one day; 0 dismisses it.
    function appoint(address registrar, uint32 dailyLimit) external;

    /// @notice Add a device to an owner's list, and count it among what the registrar entered today.
    ///         Only the device registry may call this.
    /// @param owner A registered owner.
    /// @param registrar The owner, or one of its registrars.
    /// @param deviceId The device, which the registry adds only once.
    function recordDevice(address owner, address registrar, bytes32 deviceId) external;

    /// @notice The DeviceID contract that created this one.
    function deviceRegistry() external view returns (address);

    /// @notice The digest of an owner's profile; zero for an account that is no owner. No two owners
    ///         have the same one.
    /// @param owner The account.
    function profileOf(address owner) external view returns (bytes32 profileDigest);

    /// @notice The profile digest that an account has for a document.
    /// @param owner The account.
    /// @param documentDigest SHA-256 of the document.
    /// @return profileDigest tagged_sha256("countersign/Profile/1", chain id (32) ‖ this contract
    ///         (20) ‖ owner (20) ‖ documentDigest (32)).
    function profileDigestOf(address owner, bytes32 documentDigest)
        external
        view
        returns (bytes32 profileDigest);

    /// @notice How many devices a registrar may enter on one day, and how many of them are left.
    /// @param owner The owner.
    /// @param registrar The registrar; both are 0 for an account that is none.
    function allowanceOf(address owner, address registrar)
        external
        view
        returns (uint32 dailyLimit, uint32 left);

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
