// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IUserID} from "./IUserID.sol";

/// @title UserID
/// @notice The register of device owners. IUserID documents it. The constructor of DeviceID creates
///         it; nobody deploys it by hand (decision 0008).
contract UserID is IUserID {
    /// @inheritdoc IUserID
    address public immutable deviceRegistry = msg.sender;

    /// @inheritdoc IUserID
    mapping(address owner => bytes32 profileDigest) public profileOf;

    /// @dev One storage slot. `day` is the last one on which the registrar entered a device, counted
    ///      in days since 1970, and `entered` how many it entered on that day.
    struct Registrar {
        uint32 dailyLimit;
        uint32 entered;
        uint32 day;
    }

    /// @dev sha256("countersign/Profile/1").
    bytes32 private constant PROFILE_TAG =
        0xf9c0b322df8fcfc371a5034c0e65df51b8fad271b6553266342d3772b3352308;

    mapping(address owner => mapping(address registrar => Registrar)) private _registrars;
    mapping(address owner => bytes32[]) private _devices;

    modifier onlyOwners() {
        if (profileOf[msg.sender] == 0) revert UnknownOwner(msg.sender);
        _;
    }

    /// @inheritdoc IUserID
    function register(bytes32 documentDigest) external {
        if (profileOf[msg.sender] != 0) revert OwnerExists(msg.sender);
        bytes32 profileDigest = _bound(documentDigest);
        profileOf[msg.sender] = profileDigest;
        emit OwnerRegistered(msg.sender, profileDigest);
    }

    /// @inheritdoc IUserID
    function changeProfile(bytes32 documentDigest) external onlyOwners {
        bytes32 profileDigest = _bound(documentDigest);
        profileOf[msg.sender] = profileDigest;
        emit ProfileChanged(msg.sender, profileDigest);
    }

    /// @inheritdoc IUserID
    function appoint(address registrar, uint32 dailyLimit) external onlyOwners {
        // What it entered today stays counted: a second appointment gives no second allowance.
        _registrars[msg.sender][registrar].dailyLimit = dailyLimit;
        emit RegistrarAppointed(msg.sender, registrar, dailyLimit);
    }

    /// @inheritdoc IUserID
    function recordDevice(address owner, address registrar, bytes32 deviceId) external {
        if (msg.sender != deviceRegistry) revert NotDeviceRegistry(msg.sender);
        // The registry has asked isRegistrar before, which is false for an unknown owner.
        if (registrar != owner) _count(owner, registrar);
        _devices[owner].push(deviceId);
    }

    /// @inheritdoc IUserID
    function isRegistrar(address owner, address registrar) external view returns (bool) {
        if (profileOf[owner] == 0) return false;
        return registrar == owner || _registrars[owner][registrar].dailyLimit != 0;
    }

    /// @inheritdoc IUserID
    function allowanceOf(address owner, address registrar)
        external
        view
        returns (uint32 dailyLimit, uint32 left)
    {
        Registrar memory found = _registrars[owner][registrar];
        uint32 entered = found.day == _today() ? found.entered : 0;
        left = entered < found.dailyLimit ? found.dailyLimit - entered : 0;
        return (found.dailyLimit, left);
    }

    /// @inheritdoc IUserID
    function profileDigestOf(address owner, bytes32 documentDigest)
        public
        view
        returns (bytes32 profileDigest)
    {
        return sha256(
            abi.encodePacked(
                PROFILE_TAG, PROFILE_TAG, block.chainid, address(this), owner, documentDigest
            )
        );
    }

    /// @inheritdoc IUserID
    function deviceCount(address owner) external view returns (uint256) {
        return _devices[owner].length;
    }

    /// @inheritdoc IUserID
    function deviceAt(address owner, uint256 index) external view returns (bytes32 deviceId) {
        uint256 count = _devices[owner].length;
        if (index >= count) revert NoSuchDevice(index, count);
        return _devices[owner][index];
    }

    /// @dev The caller's profile digest for a document.
    function _bound(bytes32 documentDigest) private view returns (bytes32 profileDigest) {
        if (documentDigest == 0) revert EmptyProfile();
        return profileDigestOf(msg.sender, documentDigest);
    }

    /// @dev Count one more device of today, or revert.
    function _count(address owner, address registrar) private {
        Registrar storage found = _registrars[owner][registrar];
        (uint32 dailyLimit, uint32 entered, uint32 today) =
            (found.dailyLimit, found.entered, _today());
        if (found.day != today) entered = 0;
        if (entered >= dailyLimit) revert DailyLimitReached(owner, registrar, dailyLimit);
        found.entered = entered + 1;
        found.day = today;
    }

    function _today() private view returns (uint32) {
        return uint32(block.timestamp / 1 days);
    }
}
