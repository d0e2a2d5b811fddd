// What a prover computes from secrets. Constant-time, and everything secret is wiped on return.

#ifndef COUNTERSIGN_PROVER_H
#define COUNTERSIGN_PROVER_H

#include "group.h"

// Each returns 1, or 0 if a scalar that must be in [1, n) is not (the result is then zeros).

// k·G, as x then y.
uint32_t prover_generate(uint8_t point[64], const uint8_t k[32]);
// k + e·d modulo n. e may be any 32 bytes.
uint32_t prover_respond(uint8_t response_scalar[32], const uint8_t k[32], const uint8_t e[32],
    const uint8_t d[32]);
// k·q for a public point q on the curve.
uint32_t prover_linear(uint8_t point[64], const uint8_t k[32], const affine *q);

#endif
