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

    mapping(address owner => mapping(address registrar => bool)) private _appointed;
    mapping(address owner => bytes32[]) private _devices;

    modifier onlyOwners() {
        if (profileOf[msg.sender] == 0) revert UnknownOwner(msg.sender);
        _;
    }

    /// @inheritdoc IUserID
    function register(bytes32 profileDigest) external {
        if (profileDigest == 0) revert EmptyProfile();
        if (profileOf[msg.sender] != 0) revert OwnerExists(msg.sender);
        profileOf[msg.sender] = profileDigest;
        emit OwnerRegistered(msg.sender, profileDigest);
    }

    /// @inheritdoc IUserID
    function changeProfile(bytes32 profileDigest) external onlyOwners {
        if (profileDigest == 0) revert EmptyProfile();
        profileOf[msg.sender] = profileDigest;
        emit ProfileChanged(msg.sender, profileDigest);
    }

    /// @inheritdoc IUserID
    function appoint(address registrar, bool appointed) external onlyOwners {
        _appointed[msg.sender][registrar] = appointed;
        emit RegistrarAppointed(msg.sender, registrar, appointed);
    }

    /// @inheritdoc IUserID
    function recordDevice(address owner, bytes32 deviceId) external {
        if (msg.sender != deviceRegistry) revert NotDeviceRegistry(msg.sender);
        // The registry has asked isRegistrar before, which is false for an unknown owner.
        _devices[owner].push(deviceId);
    }

    /// @inheritdoc IUserID
    function isRegistrar(address owner, address registrar) external view returns (bool) {
        if (profileOf[owner] == 0) return false;
        return registrar == owner || _appointed[owner][registrar];
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
}
