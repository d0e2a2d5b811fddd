// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Schnorr} from "../../src/proofs/Schnorr.sol";

/// @title Schnorr.verify with addresses of fewer bits, so that a search for a forgery ends
/// @notice With 160 bits and `onCurve` this is Schnorr.verify. Without `onCurve` it is the formula
///         that Schnorr.verify once had: nothing tied nonceY to nonceX.
library NarrowSchnorr {
    struct Rules {
        uint256 bits;
        bool onCurve;
    }

    function verify(
        Rules memory rules,
        uint256 publicKey,
        bytes32 message,
        uint256 nonceX,
        uint256 nonceY,
        uint256 responseScalar
    ) internal pure returns (bool) {
        if (publicKey == 0 || publicKey >= Schnorr.N) return false;
        if (responseScalar >= Schnorr.N || nonceY & 1 != 0) return false;
        if (rules.onCurve && !isPoint(nonceX, nonceY)) return false;
        uint256 e = Schnorr.challengeScalar(nonceX, publicKey, message);
        if (e == 0) return false;
        (bool found, uint256 recovered) = addressOf(rules, publicKey, e, responseScalar);
        return found && recovered == addressOf(rules, nonceX, nonceY);
    }

    /// @dev The narrow address of s·G − e·P. Not found if P is no point, or the sum is infinite.
    function addressOf(Rules memory rules, uint256 publicKey, uint256 e, uint256 s)
        internal
        pure
        returns (bool found, uint256 narrow)
    {
        uint256 m = Schnorr.N - mulmod(s, publicKey, Schnorr.N);
        uint256 t = Schnorr.N - mulmod(e, publicKey, Schnorr.N);
        address recovered = ecrecover(bytes32(m), 27, bytes32(publicKey), bytes32(t));
        return (recovered != address(0), _narrow(rules, uint160(recovered)));
    }

    /// @dev The narrow address that the coordinates (x, y) have, on the curve or not.
    function addressOf(Rules memory rules, uint256 x, uint256 y) internal pure returns (uint256) {
        return _narrow(rules, uint256(keccak256(abi.encodePacked(x, y))));
    }

    function isPoint(uint256 x, uint256 y) internal pure returns (bool) {
        uint256 p = Schnorr.P;
        return x < p && y < p && mulmod(y, y, p) == addmod(mulmod(mulmod(x, x, p), x, p), 7, p);
    }

    function _narrow(Rules memory rules, uint256 full) private pure returns (uint256) {
        return full & ((uint256(1) << rules.bits) - 1);
    }
}
