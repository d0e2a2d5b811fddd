// SPDX-License-Identifier: Apache-2.0
// Written by `python -m countersign_workshop.ledger.contracts abi`; the prover is our Python one.
pragma solidity 0.8.37;

/// @title Registrations that the contract must accept, and forgeries that it must refuse
/// @dev All are for the chain CHAIN_ID and the first contract that DEPLOYER creates.
library Vectors {
    struct Case {
        string name;
        bytes32 deviceId;
        uint256 publicKey;
        bytes32 nextKeyDigest;
        address owner;
        uint8 deviceClass;
        uint256 nonceX;
        uint256 nonceY;
        uint256 responseScalar;
    }

    uint256 internal constant CHAIN_ID = 31337;
    address internal constant DEPLOYER = 0x67Bee2ac0520c1A8783AaB651c54A089C2BDc01e;
    address internal constant REGISTRY = 0x5eac4325529ceC54Cbeb981f9c2B589148cEc457;
    address internal constant OWNER = 0xE20F5bEE548c4d01FBCd60E940bB4F62210440d7;
    address internal constant OTHER_OWNER = 0xD6BF1616101Cc62D9e12065e547175f67e7Ae057;

    /// @notice What devices signed, and are entered with.
    function accepted() internal pure returns (Case[] memory cases) {
        cases = new Case[](5);
        cases[0] = Case({
            name: "device 0",
            deviceId: 0xa1b2924fa7d213b088d9a2c60c2cce1e3213225af13e38b629bd9c9c1fff1fdc,
            publicKey: 0x4b73f056500981f19548bc6ca9e8e6f79ab6c4025f6e06e0cb9e1ae8eb550fd6,
            nextKeyDigest: 0x79376b6266cedd13847638432922f5708319599b9870285b67695558759ab51c,
            owner: 0xE20F5bEE548c4d01FBCd60E940bB4F62210440d7,
            deviceClass: 1,
            nonceX: 0x56b3f9f330329990331b585fa0c4320973e80febcf6dc2d69c68abe491f4749b,
            nonceY: 0x08d269d24f5660f74bcad0ac0b0095534c2596b624af72a39f2306f75442e1ee,
            responseScalar: 0xcefd033ab6e7af8a536ca1ceab22114c2a73d85c1bf0e478cc497515aba8e78a
        });
        cases[1] = Case({
            name: "device 1",
            deviceId: 0xb46d59373fc10769a3205bbad3b0f1eab6aac29641b14f5537b22a532c1a459a,
            publicKey: 0x9b162695848607249230de4fdbb8fb0fff947af1827c467f2c8cca6ec6a564ef,
            nextKeyDigest: 0x13b6d7fc3922bd3fdc2166510365e78014c3766d03d422c963663705ec6e8964,
            owner: 0xE20F5bEE548c4d01FBCd60E940bB4F62210440d7,
            deviceClass: 1,
            nonceX: 0x565639d406ee0c1ab99783b7c5bfd5454ac798055682f59c76df4c4499703654,
            nonceY: 0x329c524b17fe21dde3d3154b2ce2d213140026b349fda565f45b2144ddac87cc,
            responseScalar: 0x4c3ae9b1d03dd50d346e2a79814f374386a893ea342c98bdabc497fe4c584ce9
        });
        cases[2] = Case({
            name: "device 2",
            deviceId: 0xbf8d79c66c3dc5866bbb070fefbe32480699e217219676a8df0cf6c09d7ef7bc,
            publicKey: 0xe4d1100a49e5aea7d6a9abacc0d1b881b53f356334d63561cd2d1145ef00a362,
            nextKeyDigest: 0x318048985389bbdeee75147baa8eb3d3a6431a49a7f2400e3a0d827f3de4252b,
            owner: 0xE20F5bEE548c4d01FBCd60E940bB4F62210440d7,
            deviceClass: 1,
            nonceX: 0x6f4b3feecd8b8a9fc1806f2081aeed82c95a22ff596c68405d25b2499eb97148,
            nonceY: 0x9399a9fc4a85dd2bd5e2e21d728f96cb7825b07b832ec2f58e6a19e8d5c96d44,
            responseScalar: 0xb945f4653643f83cd4c30b87c665aff5cac647779979dba52f2bc768bab4a148
        });
        cases[3] = Case({
            name: "device 3",
            deviceId: 0xc53e3a9af672032bec9603df0ef3756f08e056c94d23925b9ae0a725cf9bc8f1,
            publicKey: 0x3902fdc2e478bfde2b58709a6b58aa691da932b9c7c3d3b9bcb7817e522161e2,
            nextKeyDigest: 0x61f16af08beae450349725e7bd68b518e9a14d329efb606855befede00802b86,
            owner: 0xE20F5bEE548c4d01FBCd60E940bB4F62210440d7,
            deviceClass: 1,
            nonceX: 0x4e0436470b7bbc2351ed1f42ac1cc070cea4038d872bf7a7c22513810b66683a,
            nonceY: 0x169bfcb4923ae293c965a44151d39176b2f26c081652a93b7e4b34f7ef16fca2,
            responseScalar: 0x87e464f5c5c21615d96716854fcdb9e772b11fdb95116c9a398854ec6c5a34c3
        });
        cases[4] = Case({
            name: "life-critical",
            deviceId: 0xf77f95f0478302b29c6dd006ced799a2f0688573390d7f5ec9a0019079bd7de7,
            publicKey: 0xd685c7f0dd2914d5807494fd8153cca614e5fb5feaf5ff243c36637a31e8a90c,
            nextKeyDigest: 0x788f5513251f813875d44bade38c40cbf207e52fee34b75102a4d35d1b86af13,
            owner: 0xE20F5bEE548c4d01FBCd60E940bB4F62210440d7,
            deviceClass: 2,
            nonceX: 0xf45b65044bb340e9b809e3a462e1f2c91ec3a5102434203c5b5108398df917b2,
            nonceY: 0x8a5d94b9dcde1ca9a023920e82f62960a8318272bd5111070cbcda6d6d480ca4,
            responseScalar: 0x8907534ab3c4b8237c7f9c7145781468962d8150fc222a557f1693a1faa4c613
        });
    }

    /// @notice What was signed, but not for this; each must revert with InvalidProof.
    function forged() internal pure returns (Case[] memory cases) {
        cases = new Case[](10);
        cases[0] = Case({
            name: "signed for another chain",
            deviceId: 0xa1b2924fa7d213b088d9a2c60c2cce1e3213225af13e38b629bd9c9c1fff1fdc,
            publicKey: 0x4b73f056500981f19548bc6ca9e8e6f79ab6c4025f6e06e0cb9e1ae8eb550fd6,
            nextKeyDigest: 0x79376b6266cedd13847638432922f5708319599b9870285b67695558759ab51c,
            owner: 0xE20F5bEE548c4d01FBCd60E940bB4F62210440d7,
            deviceClass: 1,
            nonceX: 0x48f3b8046fe457867e6fa385b0a24d2dbd8015095a93344c99f15ea7f5b931c4,
            nonceY: 0x766eb3caaf5884bd7a86dd39965427651b4456f12e5bfe135f3a4f875630c61c,
            responseScalar: 0xe8f38e493dc17f725fec3720d15b5405746e2b8f09361e526f777af70b174b34
        });
        cases[1] = Case({
            name: "signed for another contract",
            deviceId: 0xa1b2924fa7d213b088d9a2c60c2cce1e3213225af13e38b629bd9c9c1fff1fdc,
            publicKey: 0x4b73f056500981f19548bc6ca9e8e6f79ab6c4025f6e06e0cb9e1ae8eb550fd6,
            nextKeyDigest: 0x79376b6266cedd13847638432922f5708319599b9870285b67695558759ab51c,
            owner: 0xE20F5bEE548c4d01FBCd60E940bB4F62210440d7,
            deviceClass: 1,
            nonceX: 0xb05c0d26bf43c590bfa1d6ba71ef883901a426cf190b73a6f9ebc438d3492355,
            nonceY: 0xb9769b30e003d49554149d5deebed19842a09fb3e77256574668450745797548,
            responseScalar: 0x9cf411e94a45741b5c27c0b06dc2d9d0713d5385b2ab6f02f638afe745911b56
        });
        cases[2] = Case({
            name: "signed for another owner",
            deviceId: 0xa1b2924fa7d213b088d9a2c60c2cce1e3213225af13e38b629bd9c9c1fff1fdc,
            publicKey: 0x4b73f056500981f19548bc6ca9e8e6f79ab6c4025f6e06e0cb9e1ae8eb550fd6,
            nextKeyDigest: 0x79376b6266cedd13847638432922f5708319599b9870285b67695558759ab51c,
            owner: 0xE20F5bEE548c4d01FBCd60E940bB4F62210440d7,
            deviceClass: 1,
            nonceX: 0x0655fcf9695670ad6c6fab0fbb05edc97d194f5f6f0de950887be99f2efef071,
            nonceY: 0x841100c85ec030a987a56c43f975aad2739b96944bb670cc63195a2e6debf122,
            responseScalar: 0x404f08c3d9ce4149864c625fbe6e05b8a0685bce31d3d15e846ef0fdd99606cb
        });
        cases[3] = Case({
            name: "signed for another class",
            deviceId: 0xa1b2924fa7d213b088d9a2c60c2cce1e3213225af13e38b629bd9c9c1fff1fdc,
            publicKey: 0x4b73f056500981f19548bc6ca9e8e6f79ab6c4025f6e06e0cb9e1ae8eb550fd6,
            nextKeyDigest: 0x79376b6266cedd13847638432922f5708319599b9870285b67695558759ab51c,
            owner: 0xE20F5bEE548c4d01FBCd60E940bB4F62210440d7,
            deviceClass: 1,
            nonceX: 0x337ff98e25758783e577a2d23aeeb1d8341363ba9e6da7209889ae39ccf3307a,
            nonceY: 0x17a858a68564d317de02b946f380b77219422a03d63657f72299ada76dc83c02,
            responseScalar: 0x433c06ed1e4bb8b9553bc09d0687b6d999480fa91df1b75a8bf07ecf9ece1b8e
        });
        cases[4] = Case({
            name: "signed for another next key",
            deviceId: 0xa1b2924fa7d213b088d9a2c60c2cce1e3213225af13e38b629bd9c9c1fff1fdc,
            publicKey: 0x4b73f056500981f19548bc6ca9e8e6f79ab6c4025f6e06e0cb9e1ae8eb550fd6,
            nextKeyDigest: 0x79376b6266cedd13847638432922f5708319599b9870285b67695558759ab51c,
            owner: 0xE20F5bEE548c4d01FBCd60E940bB4F62210440d7,
            deviceClass: 1,
            nonceX: 0x0de92a1aa9f7d787ff0d2d47c3fcdf4ee064e8eab9997690e9191cda96df33c7,
            nonceY: 0x6142189e7c797d793877ab32c5872bdb549166fcaebbef69dff1f1cdab604b2a,
            responseScalar: 0x4ffc4b835ef0fc9941e1f6206479ef51be0805bc6aed693fda97dd2a7843552d
        });
        cases[5] = Case({
            name: "signed for another device",
            deviceId: 0xa1b2924fa7d213b088d9a2c60c2cce1e3213225af13e38b629bd9c9c1fff1fdc,
            publicKey: 0x4b73f056500981f19548bc6ca9e8e6f79ab6c4025f6e06e0cb9e1ae8eb550fd6,
            nextKeyDigest: 0x79376b6266cedd13847638432922f5708319599b9870285b67695558759ab51c,
            owner: 0xE20F5bEE548c4d01FBCd60E940bB4F62210440d7,
            deviceClass: 1,
            nonceX: 0xa9c01fb475f31f0e5177850083dbf5832e4fabca357be5d27433cdc53a96e7c5,
            nonceY: 0x7491a34b3a8f664f0bc9173bf5ab980173d89aaa4ee4a1f4e84b3eed6d939eca,
            responseScalar: 0x4f62ea351b364aa7569f680c678767791cf2c9e6cc2fa208dd53cb567d3b540b
        });
        cases[6] = Case({
            name: "signed by another device",
            deviceId: 0xa1b2924fa7d213b088d9a2c60c2cce1e3213225af13e38b629bd9c9c1fff1fdc,
            publicKey: 0x4b73f056500981f19548bc6ca9e8e6f79ab6c4025f6e06e0cb9e1ae8eb550fd6,
            nextKeyDigest: 0x79376b6266cedd13847638432922f5708319599b9870285b67695558759ab51c,
            owner: 0xE20F5bEE548c4d01FBCd60E940bB4F62210440d7,
            deviceClass: 1,
            nonceX: 0xd5d1b98ff204a11c9e485de6b230edde16efacdbdf0af71b2a26aeadfefc8841,
            nonceY: 0xf15625bd55ce06329335722cfa8a92a930579eeb631b7784c6d9f7c6babefba0,
            responseScalar: 0x961c232ea0b6f833d4b3a7d2886d893456b305fe76d3d8ffab3bf770adfaa6e8
        });
        cases[7] = Case({
            name: "signed under another tag",
            deviceId: 0xa1b2924fa7d213b088d9a2c60c2cce1e3213225af13e38b629bd9c9c1fff1fdc,
            publicKey: 0x4b73f056500981f19548bc6ca9e8e6f79ab6c4025f6e06e0cb9e1ae8eb550fd6,
            nextKeyDigest: 0x79376b6266cedd13847638432922f5708319599b9870285b67695558759ab51c,
            owner: 0xE20F5bEE548c4d01FBCd60E940bB4F62210440d7,
            deviceClass: 1,
            nonceX: 0x301aa30b33b3cee65f5c98b980759924d8cc7feae6be95be1d221e548b74d23b,
            nonceY: 0x93ae9c723f60bb5b62c846f6913a78e7566bd6d7ab0ff063044d4b79056f8a64,
            responseScalar: 0x0116a6cd7a6aa36f0d818e03410da4eec7c55df981cd853d1d9453cf0c332334
        });
        cases[8] = Case({
            name: "signed without a tag",
            deviceId: 0xa1b2924fa7d213b088d9a2c60c2cce1e3213225af13e38b629bd9c9c1fff1fdc,
            publicKey: 0x4b73f056500981f19548bc6ca9e8e6f79ab6c4025f6e06e0cb9e1ae8eb550fd6,
            nextKeyDigest: 0x79376b6266cedd13847638432922f5708319599b9870285b67695558759ab51c,
            owner: 0xE20F5bEE548c4d01FBCd60E940bB4F62210440d7,
            deviceClass: 1,
            nonceX: 0x50e1e3ef584d5baa35bed7a97eeeb793dafdb516c5fc588dfca9b78d054fc3a7,
            nonceY: 0x6926e61d01d99ad03f20082c5d4a421ca3383946d3557e83fe1bb2084d07d294,
            responseScalar: 0xb297e9bb40d309c89a5b6fb3bad296b2ddaacdf200b163695aea7484c649f3ad
        });
        cases[9] = Case({
            name: "odd nonce commitment",
            deviceId: 0xa1b2924fa7d213b088d9a2c60c2cce1e3213225af13e38b629bd9c9c1fff1fdc,
            publicKey: 0x4b73f056500981f19548bc6ca9e8e6f79ab6c4025f6e06e0cb9e1ae8eb550fd6,
            nextKeyDigest: 0x79376b6266cedd13847638432922f5708319599b9870285b67695558759ab51c,
            owner: 0xE20F5bEE548c4d01FBCd60E940bB4F62210440d7,
            deviceClass: 1,
            nonceX: 0x3039e511069573e6d1d30e8956dd3cff4b375f2742a01471b9d9e1eba213e7a3,
            nonceY: 0xc71c645c4a61c92aef72275001a8810703ec4b39975e56ecdb67277d6dfae803,
            responseScalar: 0xd2597048c018c9523257d552a9b686859bc3cadd017df0224c990564e2f386f9
        });
    }
}
