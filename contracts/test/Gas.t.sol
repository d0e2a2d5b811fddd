// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {CommitmentLog} from "../src/log/CommitmentLog.sol";
import {DeviceID} from "../src/identity/DeviceID.sol";
import {IDeviceID} from "../src/identity/IDeviceID.sol";
import {Schnorr} from "../src/proofs/Schnorr.sol";
import {ReferenceTree} from "./support/ReferenceTree.sol";
import {Test} from "./support/Test.sol";
import {Vectors} from "./support/Vectors.sol";

/// @title The gas of each call, without the 21,000 and the calldata of its transaction
/// @dev The figures of .gas-snapshot. Preparations are not metered; about 3,000 of each figure are
///      the test's own.
contract GasTest is Test {
    uint256 private constant LEAVES = 1000;
    address private constant REGISTRAR = address(0x6a7e);

    CommitmentLog private log;
    DeviceID private devices;
    Vectors.Case[] private cases;
    bytes32 private head;
    bytes32 private root;
    bytes32[] private path;

    function setUp() external {
        log = new CommitmentLog();
        log.append(1, 0, keccak256("first"), 1);
        (, head) = log.tip(address(this));
        vm.chainId(Vectors.CHAIN_ID);
        vm.prank(Vectors.DEPLOYER);
        devices = new DeviceID();
        Vectors.Case[] memory accepted = Vectors.accepted();
        for (uint256 i = 0; i < 2; i++) {
            cases.push(accepted[i]);
        }
        vm.startPrank(Vectors.OWNER);
        devices.userID().register(keccak256("profile"));
        _add(accepted[0]);
        devices.userID().appoint(REGISTRAR, 1000);
        vm.stopPrank();
        bytes32[] memory leaves = _leaves();
        root = ReferenceTree.root(leaves, 0, LEAVES);
        path = ReferenceTree.path(leaves, 617, 0, LEAVES);
    }

    function test_gas_append() external {
        vm.pauseGasMetering();
        // The head was read in setUp: reading it here would leave the log's storage warm.
        bytes32 current = head;
        bytes32 batchRoot = keccak256("second");
        vm.resumeGasMetering();
        log.append(2, current, batchRoot, 1000);
    }

    function test_gas_append_repeated() external {
        vm.pauseGasMetering();
        bytes32 batchRoot = keccak256("first");
        vm.resumeGasMetering();
        log.append(1, 0, batchRoot, 1);
    }

    function test_gas_addDevice() external {
        vm.pauseGasMetering();
        Vectors.Case memory c = cases[1];
        vm.startPrank(Vectors.OWNER);
        vm.resumeGasMetering();
        _add(c);
    }

    function test_gas_addDevice_byRegistrar() external {
        vm.pauseGasMetering();
        Vectors.Case memory c = cases[1];
        vm.startPrank(REGISTRAR);
        vm.resumeGasMetering();
        _add(c);
    }

    function test_gas_verifySchnorr() external {
        vm.pauseGasMetering();
        Vectors.Case memory c = cases[1];
        bytes32 digest =
            devices.registrationDigest(c.deviceId, c.owner, c.deviceClass, c.nextKeyDigest);
        vm.resumeGasMetering();
        isTrue(
            Schnorr.verify(c.publicKey, digest, c.nonceX, c.nonceY, c.responseScalar), "signature"
        );
    }

    function test_gas_verifyInclusion_1000() external {
        vm.pauseGasMetering();
        bytes32 leaf = keccak256(abi.encode(617));
        bytes32[] memory proof = path;
        bytes32 batchRoot = root;
        vm.resumeGasMetering();
        isTrue(log.verifyInclusion(leaf, 617, uint64(LEAVES), proof, batchRoot), "inclusion");
    }

    function _add(Vectors.Case memory c) private {
        devices.addDevice(
            c.deviceId,
            IDeviceID.Registration(c.publicKey, 0, c.nextKeyDigest, c.owner, c.deviceClass),
            IDeviceID.Proof(c.nonceX, c.nonceY, c.responseScalar)
        );
    }

    function _leaves() private pure returns (bytes32[] memory leaves) {
        leaves = new bytes32[](LEAVES);
        for (uint256 i = 0; i < LEAVES; i++) {
            leaves[i] = keccak256(abi.encode(i));
        }
    }
}
