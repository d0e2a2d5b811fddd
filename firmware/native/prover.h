// What a prover computes from secrets. Constant-time, and everything secret is wiped on return.

#ifndef COUNTERSIGN_PROVER_H
#define COUNTERSIGN_PROVER_H

#include "group.h"

// Each returns 1, or 0 if a scalar that must be in [1, n) is not (the result is then zeros).

// k·G, as x then y.
uint32_t prover_generate(uint8_t point[64], const uint8_t k[32]);
// The nonce of a digest: k becomes the digest mod n, negated if its multiple of G would have an odd
// y; x is that of the multiple. 0, and zeros, only for 0 mod n.
uint32_t prover_commit(uint8_t x[32], uint8_t k[32]);
// k + e·d modulo n. e may be any 32 bytes.
uint32_t prover_respond(uint8_t response_scalar[32], const uint8_t k[32], const uint8_t e[32],
    const uint8_t d[32]);
// k·q for a public point q on the curve.
uint32_t prover_linear(uint8_t point[64], const uint8_t k[32], const affine *q);

// Q1 + Q2 for points on the curve that may be secret. 0, and zeros, if that is infinity.
uint32_t prover_add(uint8_t point[64], const affine *first, const affine *second);

#endif
