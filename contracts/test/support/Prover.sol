// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Schnorr} from "../../src/proofs/Schnorr.sol";
import {Test, Vm} from "./Test.sol";

/// @title A BIP-340 prover for fuzz tests; forge multiplies the points
abstract contract Prover is Test {
    struct Key {
        uint256 secret;
        uint256 publicKey;
    }

    struct Signature {
        uint256 nonceX;
        uint256 nonceY;
        uint256 responseScalar;
    }

    uint256 internal constant P = Schnorr.P;

    /// @dev A key from any seed; its secret is negated if its point has odd y.
    function keyFrom(uint256 seed) internal returns (Key memory) {
        Vm.Wallet memory wallet = vm.createWallet(within(seed, 1, Schnorr.N - 1));
        return Key(_evenScalar(wallet), wallet.publicKeyX);
    }

    function sign(Key memory key, bytes32 message, uint256 nonceSeed)
        internal
        returns (Signature memory)
    {
        return signWithParity(key, message, nonceSeed, false);
    }

    /// @dev With `odd`, R has odd y, which BIP-340 forbids; the rest of the signature is valid.
    function signWithParity(Key memory key, bytes32 message, uint256 nonceSeed, bool odd)
        internal
        returns (Signature memory)
    {
        Vm.Wallet memory nonce = vm.createWallet(within(nonceSeed, 1, Schnorr.N - 1));
        (uint256 k, uint256 y) = (_evenScalar(nonce), _evenY(nonce));
        if (odd) (k, y) = (Schnorr.N - k, P - y);
        uint256 e = Schnorr.challengeScalar(nonce.publicKeyX, key.publicKey, message);
        uint256 s = addmod(k, mulmod(e, key.secret, Schnorr.N), Schnorr.N);
        return Signature(nonce.publicKeyX, y, s);
    }

    function _evenScalar(Vm.Wallet memory wallet) private pure returns (uint256) {
        bool odd = wallet.publicKeyY & 1 == 1;
        return odd ? Schnorr.N - wallet.privateKey : wallet.privateKey;
    }

    function _evenY(Vm.Wallet memory wallet) private pure returns (uint256) {
        return wallet.publicKeyY & 1 == 1 ? P - wallet.publicKeyY : wallet.publicKeyY;
    }
}
