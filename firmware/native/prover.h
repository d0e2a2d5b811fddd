// The prover's computations with secrets.
//
// Every function takes the same time and touches the same addresses for all secrets. Before it
// returns, it overwrites its secrets and the stack below it. Scalars and coordinates are
// 32 big-endian bytes. Results and operands are different objects.

#ifndef COUNTERSIGN_PROVER_H
#define COUNTERSIGN_PROVER_H

#include "group.h"

// A multiple of the generator.
// Returns: 1, or 0 if k is not in [1, n).
// Out: point: k·G, x then y; zeros where 0 is returned.
// In:  k: secret.
uint32_t prover_generate(uint8_t point[64], const uint8_t k[32]);

// The nonce of a digest, and its commitment (BIP-340, "Default Signing").
// Returns: 1, or 0 if the digest is 0 modulo n.
// Out: x: the x-coordinate of the multiple of G; zeros where 0 is returned.
// In/Out: k: any digest; it becomes the digest mod n, negated if its multiple of G would have an
//         odd y; zeros where 0 is returned. Secret.
uint32_t prover_commit(uint8_t x[32], uint8_t k[32]);

// The response of a proof.
// Returns: 1, or 0 if k or d is not in [1, n).
// Out: response_scalar: k + e·d modulo n; zeros where 0 is returned.
// In:  k, d: secret.
//      e: any 32 bytes; taken modulo n.
uint32_t prover_respond(uint8_t response_scalar[32], const uint8_t k[32], const uint8_t e[32],
    const uint8_t d[32]);

// A multiple of any point.
// Returns: 1, or 0 if k is not in [1, n).
// Out: point: k·q, x then y; zeros where 0 is returned.
// In:  k: secret.
//      q: public, on the curve, coordinates below p.
uint32_t prover_linear(uint8_t point[64], const uint8_t k[32], const affine *q);

// The sum of two points.
// Returns: 1, or 0 if it is infinity.
// Out: point: x then y; zeros where 0 is returned.
// In:  first, second: on the curve; may be secret, equal or opposite.
uint32_t prover_add(uint8_t point[64], const affine *first, const affine *second);

#endif
