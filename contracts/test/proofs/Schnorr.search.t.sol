// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Schnorr} from "../../src/proofs/Schnorr.sol";
import {NarrowSchnorr} from "../support/NarrowSchnorr.sol";
import {Prover} from "../support/Prover.sol";

/// @title A birthday search for a forged proof, with addresses of 32 bits instead of 160
/// @notice Without the check of the curve it takes about 2^16 attempts a list, as 160 bits take
///         2^80. With the check the same search finds nothing, because a nonceX leaves one nonceY.
contract SchnorrSearchTest is Prover {
    using NarrowSchnorr for NarrowSchnorr.Rules;

    uint256 private constant BITS = 32;
    /// @dev Attempts in each list; the first list's table has a slot of 32 bytes for each.
    uint256 private constant RESPONSES = 1 << 16;
    uint256 private constant ORDINATES = 1 << 18;

    bytes32 private constant MESSAGE = keccak256("nobody signed this");

    NarrowSchnorr.Rules private _old = NarrowSchnorr.Rules(BITS, false);
    NarrowSchnorr.Rules private _new = NarrowSchnorr.Rules(BITS, true);

    /// @dev The models stand for the contract only if they are the contract at full width.
    function testFuzz_AtFullWidthTheModelIsTheContract(
        uint256 seed,
        bytes32 message,
        uint8 part,
        uint8 bit
    ) external {
        NarrowSchnorr.Rules memory full = NarrowSchnorr.Rules(160, true);
        Key memory key = keyFrom(seed);
        Signature memory sig = sign(key, message, seed);
        if (part % 4 == 1) sig.nonceX ^= uint256(1) << bit;
        else if (part % 4 == 2) sig.nonceY ^= uint256(1) << bit;
        else if (part % 4 == 3) sig.responseScalar ^= uint256(1) << bit;
        bool model = full.verify(key.publicKey, message, sig.nonceX, sig.nonceY, sig.responseScalar);
        bool contract_ =
            Schnorr.verify(key.publicKey, message, sig.nonceX, sig.nonceY, sig.responseScalar);
        isTrue(model == contract_ && model == (part % 4 == 0), "the model's verdict");
    }

    function test_WithoutTheCurveABirthdaySearchForges() external {
        (NarrowSchnorr.Rules memory old, NarrowSchnorr.Rules memory mended) = (_old, _new);
        (uint256 victim, Signature memory point) = (_victim(), _point());
        (bool forged, uint256 y, uint256 s) = _search(old, victim, point);
        isTrue(forged, "the search finds a forgery");
        isTrue(old.verify(victim, MESSAGE, point.nonceX, y, s), "the old formula accepts it");
        isFalse(mended.verify(victim, MESSAGE, point.nonceX, y, s), "the new one accepts it");
    }

    function test_OnTheCurveTheSameSearchFindsNothing() external {
        NarrowSchnorr.Rules memory mended = _new;
        (bool forged,,) = _search(mended, _victim(), _point());
        isFalse(forged, "the search finds a forgery");
    }

    /// @dev A public key whose secret the search does not use.
    function _victim() private returns (uint256) {
        return keyFrom(uint256(keccak256("a key that the forger does not know"))).publicKey;
    }

    /// @dev A point of the curve with even y, as nonceX and nonceY. The search does not use its
    ///      secret, nor the third number.
    function _point() private returns (Signature memory) {
        return sign(keyFrom(1), MESSAGE, uint256(keccak256("a point")));
    }

    /// @dev Put the addresses of s·G − e·P for many s into a table, and look up the address of each
    ///      (x, y) that the rules let pass: first the y of the curve, then even numbers from 2.
    function _search(NarrowSchnorr.Rules memory rules, uint256 key, Signature memory point)
        private
        pure
        returns (bool forged, uint256 y, uint256 s)
    {
        uint256 x = point.nonceX;
        uint256 e = Schnorr.challengeScalar(x, key, MESSAGE);
        // An entry is s and the 32 bits; a later entry takes the slot of an earlier one.
        uint256[] memory table = new uint256[](RESPONSES);
        for (s = 1; s <= RESPONSES; s++) {
            (bool found, uint256 narrow) = rules.addressOf(key, e, s);
            if (found) table[narrow % RESPONSES] = (s << BITS) | narrow;
        }
        for (uint256 i = 0; i <= ORDINATES; i++) {
            y = i == 0 ? point.nonceY : 2 * i;
            if (rules.onCurve && !NarrowSchnorr.isPoint(x, y)) continue;
            uint256 narrow = rules.addressOf(x, y);
            uint256 entry = table[narrow % RESPONSES];
            if (entry != 0 && entry & ((1 << BITS) - 1) == narrow) return (true, y, entry >> BITS);
        }
        return (false, 0, 0);
    }
}
