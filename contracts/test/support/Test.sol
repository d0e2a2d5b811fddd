// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @dev The cheat codes of forge that these tests use.
interface Vm {
    struct Wallet {
        address addr;
        uint256 publicKeyX;
        uint256 publicKeyY;
        uint256 privateKey;
    }

    function assume(bool condition) external pure;
    function chainId(uint256 id) external;
    function createWallet(uint256 privateKey) external returns (Wallet memory);
    function exists(string calldata path) external view returns (bool);
    function expectEmit(bool, bool, bool, bool, address emitter) external;
    function expectRevert(bytes calldata data) external;
    function getRecordedLogs() external returns (Log[] memory);
    function mockCall(address callee, bytes calldata data, bytes calldata answer) external;
    function pauseGasMetering() external;
    function prank(address sender) external;
    function readFileBinary(string calldata path) external view returns (bytes memory);
    function recordLogs() external;
    function resumeGasMetering() external;
    function roll(uint256 number) external;
    function skip(bool skipTest, string calldata reason) external;
    function startPrank(address sender) external;
    function stopPrank() external;
    function warp(uint256 timestamp) external;

    struct Log {
        bytes32[] topics;
        bytes data;
        address emitter;
    }
}

/// @title The base of every test
abstract contract Test {
    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    Vm internal constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    /// @dev forge reads these two through their getters before an invariant test.
    address[] private _targets;
    FuzzSelector[] private _selectors;

    error Differs(string what, bytes32 actual, bytes32 expected);
    error NotTrue(string what);

    function targetContracts() external view returns (address[] memory) {
        return _targets;
    }

    function targetSelectors() external view returns (FuzzSelector[] memory) {
        return _selectors;
    }

    /// @dev Let an invariant test call only these functions of `handler`.
    function _target(address handler, bytes4[] memory selectors) internal {
        _targets.push(handler);
        _selectors.push(FuzzSelector(handler, selectors));
    }

    function isTrue(bool condition, string memory what) internal pure {
        if (!condition) revert NotTrue(what);
    }

    function isFalse(bool condition, string memory what) internal pure {
        if (condition) revert NotTrue(string.concat("not: ", what));
    }

    function equal(bytes32 actual, bytes32 expected, string memory what) internal pure {
        if (actual != expected) revert Differs(what, actual, expected);
    }

    function equal(uint256 actual, uint256 expected, string memory what) internal pure {
        equal(bytes32(actual), bytes32(expected), what);
    }

    function equal(address actual, address expected, string memory what) internal pure {
        equal(bytes32(bytes20(actual)), bytes32(bytes20(expected)), what);
    }

    /// @dev A number in [low, high], distributed almost evenly.
    function within(uint256 number, uint256 low, uint256 high) internal pure returns (uint256) {
        return low + number % (high - low + 1);
    }
}
