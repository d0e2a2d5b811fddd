// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title BIP-340 verification on secp256k1, byte for byte, through the ecrecover precompile
/// @notice ecrecover(m, v, r, s) returns the address of r⁻¹·(s·X − m·G), where X is the point with
///         x-coordinate r and the parity that v names. With the arguments
///
///             m = −s·Px    v = 27 (even y)    r = Px    s = −e·Px        (all modulo n)
///
///         it computes Px⁻¹·(−e·Px·P + s·Px·G) = s·G − e·P, which BIP-340 calls R. An address is
///         20 bytes of keccak256(x ‖ y), so the caller must supply both coordinates of R, and an
///         equal address shows that (x, y) is that point.
///
///         It shows this only for a point of the curve. The challenge scalar e covers x and not y.
///         If y were free, a forger could fix x, and with it e, and fill two lists that do not
///         depend on each other: the addresses of s·G − e·P for many s, and the last 20 bytes of
///         keccak256(x ‖ y) for many y. Two lists of 2^80 entries share one with good chance: a
///         birthday search over 160 bits, for any key. On the curve one even y belongs to x, and
///         the second list has one entry. So a forger needs one s whose point has this address
///         (a preimage of 160 bits, 2^160 attempts), or the discrete logarithm of P (2^128). A
///         list over many x does not help: each x has its own e, and with it its own first list.
/// @dev Two differences from BIP-340. (1) The precompile takes r in (0, n), BIP-340 allows Px in
///      (0, p). This library refuses a key with Px in [n, p), which BIP-340 allows; fewer than one
///      key in 2^127 is such a key. (2) The holder of a key, and nobody else, can look for two
///      points with one address (2^80 attempts), and with them make a proof that holds here and
///      not under BIP-340. It says nothing that the holder could not have signed.
library Schnorr {
    /// @dev The order of the group.
    uint256 internal constant N =
        0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141;

    /// @dev The order of the field.
    uint256 internal constant P =
        0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEFFFFFC2F;

    /// @dev sha256("BIP0340/challenge").
    bytes32 internal constant CHALLENGE_TAG =
        0x7bb52d7a9fef58323eb1bf7a407db382d2f3f2d81bb1224f49fe518f6d48d37c;

    /// @notice Whether (nonceX, responseScalar) is a BIP-340 signature of `message` under
    ///         `publicKey`.
    /// @param publicKey Px: x-coordinate of the public key P, which has even y.
    /// @param message The 32 bytes that were signed. The caller decides what they bind.
    /// @param nonceX x-coordinate of the nonce commitment R: the signature's first half.
    /// @param nonceY The even y-coordinate of R. It is not part of a signature: the caller computes
    ///        it from nonceX. A wrong nonceY makes a valid signature fail, and no other one pass.
    /// @param responseScalar s: the signature's second half.
    function verify(
        uint256 publicKey,
        bytes32 message,
        uint256 nonceX,
        uint256 nonceY,
        uint256 responseScalar
    ) internal pure returns (bool) {
        // 1. 0 < Px < n, or the precompile would return nothing. The precompile itself checks that
        //    P is on the curve.
        if (publicKey == 0 || publicKey >= N) return false;
        // 2. s < n: otherwise s and s + n would be two signatures of one message.
        if (responseScalar >= N) return false;
        // 3. R is a point of the curve, x and y are below p, and y is even: x leaves one y.
        if (!_isEvenPoint(nonceX, nonceY)) return false;
        // 4. e ≠ 0: the precompile returns nothing for s = 0. Nobody can bring about e = 0.
        uint256 e = challengeScalar(nonceX, publicKey, message);
        if (e == 0) return false;
        // 5. R = s·G − e·P. If s = 0, then m = n − 0 = n, which the precompile takes as 0.
        uint256 m = N - mulmod(responseScalar, publicKey, N);
        uint256 s = N - mulmod(e, publicKey, N); // in (0, n): neither factor is 0 modulo a prime
        address recovered = ecrecover(bytes32(m), 27, bytes32(publicKey), bytes32(s));
        // 6. A zero address means that P is not on the curve, or R is the point at infinity.
        if (recovered == address(0)) return false;
        // 7. R is the supplied point.
        return recovered == _addressOf(nonceX, nonceY);
    }

    /// @notice e = tagged_sha256("BIP0340/challenge", Rx ‖ Px ‖ message) mod n.
    function challengeScalar(uint256 nonceX, uint256 publicKey, bytes32 message)
        internal
        pure
        returns (uint256)
    {
        bytes32 digest =
            sha256(abi.encodePacked(CHALLENGE_TAG, CHALLENGE_TAG, nonceX, publicKey, message));
        return uint256(digest) % N;
    }

    /// @dev Whether (x, y) is a point of y² = x³ + 7 with even y, both coordinates below p.
    function _isEvenPoint(uint256 x, uint256 y) private pure returns (bool) {
        if (x >= P || y >= P || y & 1 != 0) return false;
        return mulmod(y, y, P) == addmod(mulmod(x, mulmod(x, x, P), P), 7, P);
    }

    function _addressOf(uint256 x, uint256 y) private pure returns (address) {
        return address(uint160(uint256(keccak256(abi.encodePacked(x, y)))));
    }
}
