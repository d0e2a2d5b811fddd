// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Schnorr} from "../../src/proofs/Schnorr.sol";
import {NarrowSchnorr} from "../support/NarrowSchnorr.sol";
import {Prover} from "../support/Prover.sol";
import {Vectors} from "../support/Vectors.sol";

contract SchnorrTest is Prover {
    bytes32 private constant MESSAGE = keccak256("a message");

    function test_TheChallengeTagIsThatOfBip340() external pure {
        equal(Schnorr.CHALLENGE_TAG, sha256("BIP0340/challenge"), "tag digest");
    }

    function test_OfficialVectors() external {
        if (!vm.exists("out/vectors/bip340.bin")) {
            vm.skip(true, "the official BIP-340 vectors are not on this machine");
        }
        bytes memory file = vm.readFileBinary("out/vectors/bip340.bin");
        uint256 count = file.length / 192;
        isTrue(count > 10 && file.length == count * 192, "file of whole records");
        for (uint256 i = 0; i < count; i++) {
            uint256[6] memory words;
            for (uint256 j = 0; j < 6; j++) {
                words[j] = _word(file, i * 192 + j * 32);
            }
            bool valid = Schnorr.verify(words[0], bytes32(words[1]), words[2], words[3], words[4]);
            isTrue(valid == (words[5] == 1), "the verdict of the vector");
        }
    }

    function testFuzz_AcceptsWhatItsHolderSigned(uint256 seed, uint256 nonce, bytes32 message)
        external
    {
        Key memory key = keyFrom(seed);
        Signature memory sig = sign(key, message, nonce);
        isTrue(_verify(key.publicKey, message, sig), "a signature holds");
    }

    function testFuzz_RefusesAnotherMessage(uint256 seed, bytes32 message, uint8 bit) external {
        Key memory key = keyFrom(seed);
        Signature memory sig = sign(key, message, seed);
        bytes32 other = message ^ bytes32(uint256(1) << bit);
        isFalse(_verify(key.publicKey, other, sig), "it holds for one bit more");
    }

    function testFuzz_RefusesAnotherKey(uint256 seed, uint256 otherSeed) external {
        Key memory key = keyFrom(seed);
        Key memory other = keyFrom(otherSeed);
        vm.assume(key.publicKey != other.publicKey);
        Signature memory sig = sign(key, MESSAGE, seed);
        isFalse(_verify(other.publicKey, MESSAGE, sig), "it holds under another key");
    }

    function testFuzz_RefusesAChangedSignature(uint256 seed, uint8 part, uint8 bit) external {
        Key memory key = keyFrom(seed);
        Signature memory sig = sign(key, MESSAGE, seed);
        uint256 flip = uint256(1) << bit;
        if (part % 3 == 0) sig.nonceX ^= flip;
        else if (part % 3 == 1) sig.nonceY ^= flip;
        else sig.responseScalar ^= flip;
        isFalse(_verify(key.publicKey, MESSAGE, sig), "it holds with one bit changed");
    }

    function testFuzz_RefusesWhatNobodySigned(uint256 key, uint256 x, uint256 y, uint256 s)
        external
        pure
    {
        isFalse(Schnorr.verify(key, MESSAGE, x, y, s), "four random numbers hold");
    }

    function testFuzz_RefusesAnOddNonceCommitment(uint256 seed, uint256 nonce) external {
        Key memory key = keyFrom(seed);
        Signature memory sig = signWithParity(key, MESSAGE, nonce, true);
        isFalse(_verify(key.publicKey, MESSAGE, sig), "odd y");
        // Supplying −R instead fails too: the precompile computes another point.
        sig.nonceY = P - sig.nonceY;
        isFalse(_verify(key.publicKey, MESSAGE, sig), "even y of another point");
    }

    function testFuzz_RefusesAResponseAtOrAboveTheOrder(uint256 seed, uint256 response) external {
        Key memory key = keyFrom(seed);
        Signature memory sig = sign(key, MESSAGE, seed);
        sig.responseScalar = within(response, Schnorr.N, type(uint256).max);
        isFalse(_verify(key.publicKey, MESSAGE, sig), "s >= n");
    }

    function test_RefusesKeysOutsideTheGroupOrder() external {
        Signature memory sig = sign(keyFrom(1), MESSAGE, 2);
        isFalse(_verify(0, MESSAGE, sig), "the zero key");
        isFalse(_verify(Schnorr.N, MESSAGE, sig), "n");
        // On the curve and below p: BIP-340 allows such keys, Schnorr.sol does not.
        isFalse(_verify(Schnorr.N + 2, MESSAGE, sig), "between n and p");
        isFalse(_verify(P, MESSAGE, sig), "p");
        isFalse(_verify(type(uint256).max, MESSAGE, sig), "2**256 - 1");
    }

    function test_RefusesAKeyThatIsNotOnTheCurve() external {
        // 5³ + 7 = 132 is not a square modulo p.
        Signature memory sig = sign(keyFrom(1), MESSAGE, 2);
        isFalse(_verify(5, MESSAGE, sig), "x = 5");
    }

    function test_RefusesTheNegatedSignature() external {
        Key memory key = keyFrom(7);
        Signature memory sig = sign(key, MESSAGE, 8);
        sig.responseScalar = Schnorr.N - sig.responseScalar;
        isFalse(_verify(key.publicKey, MESSAGE, sig), "-s");
        sig.nonceY = P - sig.nonceY;
        isFalse(_verify(key.publicKey, MESSAGE, sig), "-s and -R");
    }

    /// @dev The precompile is made to answer with the very address of what is supplied, as it does
    ///      for who searched long enough. The coordinates themselves must then be refused.
    function test_RefusesACommitmentOffTheCurveWhateverItsAddress() external {
        Key memory key = keyFrom(7);
        Signature memory sig = sign(key, MESSAGE, 8);
        isTrue(_verifyWithAnyAddress(key, sig), "the point of the signature");
        // The field has one other y for this x, and that is P − y, which is odd.
        sig.nonceY ^= 2;
        isFalse(_verifyWithAnyAddress(key, sig), "another y");
        sig.nonceY = 0;
        isFalse(_verifyWithAnyAddress(key, sig), "y = 0");
    }

    function testFuzz_RefusesACommitmentOffTheCurveWhateverItsAddress(uint256 x, uint256 y)
        external
    {
        // forge also draws numbers that occur in this test, and these may be a point.
        vm.assume(!NarrowSchnorr.isPoint(x, y));
        isFalse(_verifyWithAnyAddress(keyFrom(7), Signature(x, y, 1)), "not a point");
    }

    /// @dev x = 1 is on the curve (1 + 7 = 8 is a square), and x + p is the same in the field; y + p
    ///      fits 256 bits for small y only.
    function test_RefusesCoordinatesAtOrAboveTheFieldsOrder() external {
        uint256 y = 0x4218F20AE6C646B363DB68605822FB14264CA8D2587FDD6FBC750D587E76A7EE;
        Key memory key = keyFrom(7);
        isTrue(_verifyWithAnyAddress(key, Signature(1, y, 1)), "x = 1");
        isFalse(_verifyWithAnyAddress(key, Signature(P + 1, y, 1)), "x = p + 1");
        // x³ = y² − 7 for y = 1 + p and for y = 1 in one field: p is odd, so the even one is p + 1.
        uint256 x = _cubeRootOf(P - 6);
        isFalse(_verifyWithAnyAddress(key, Signature(x, P + 1, 1)), "y = p + 1");
        isTrue(mulmod(x, mulmod(x, x, P), P) == P - 6, "and it is on the curve but for the range");
    }

    /// @dev s = 0 is in range, so `verify` must compute with it, although m is then n.
    function test_AZeroResponseIsComputedNotRejected() external {
        // Nobody can choose R = −e·P, as e depends on R; the test only shows that nothing reverts.
        Key memory key = keyFrom(9);
        Signature memory sig = sign(key, MESSAGE, 10);
        sig.responseScalar = 0;
        isFalse(_verify(key.publicKey, MESSAGE, sig), "s = 0");
    }

    function test_OurPythonProverIsAccepted() external pure {
        Vectors.Case[] memory cases = Vectors.accepted();
        for (uint256 i = 0; i < cases.length; i++) {
            Vectors.Case memory c = cases[i];
            bytes memory statement = abi.encodePacked(
                Vectors.CHAIN_ID,
                Vectors.REGISTRY,
                c.deviceId,
                c.owner,
                c.deviceClass,
                c.nextKeyDigest
            );
            bytes32 tag = sha256("countersign/Registration/1");
            bytes32 digest = sha256(abi.encodePacked(tag, tag, statement));
            bool valid = Schnorr.verify(c.publicKey, digest, c.nonceX, c.nonceY, c.responseScalar);
            isTrue(valid, c.name);
        }
    }

    function _verify(uint256 publicKey, bytes32 message, Signature memory sig)
        private
        pure
        returns (bool)
    {
        return Schnorr.verify(publicKey, message, sig.nonceX, sig.nonceY, sig.responseScalar);
    }

    /// @dev `verify` with a precompile that answers with the address of the supplied coordinates.
    function _verifyWithAnyAddress(Key memory key, Signature memory sig) private returns (bool) {
        bytes32 digest = keccak256(abi.encodePacked(sig.nonceX, sig.nonceY));
        vm.mockCall(address(1), "", abi.encode(address(uint160(uint256(digest)))));
        return _verify(key.publicKey, MESSAGE, sig);
    }

    function _cubeRootOf(uint256 value) private pure returns (uint256 root) {
        // p = 7 modulo 9, so the root of a cube is its power (p + 2) / 9.
        root = 1;
        for (uint256 exponent = (P + 2) / 9; exponent != 0; exponent >>= 1) {
            if (exponent & 1 == 1) root = mulmod(root, value, P);
            value = mulmod(value, value, P);
        }
    }

    function _word(bytes memory data, uint256 offset) private pure returns (uint256 word) {
        assembly ("memory-safe") {
            word := mload(add(add(data, 32), offset))
        }
    }
}
