// The verifier's computations. All values are public: time and addresses depend on them.
//
// Scalars and coordinates are 32 big-endian bytes. Results and operands are different objects.

#ifndef COUNTERSIGN_VERIFIER_H
#define COUNTERSIGN_VERIFIER_H

#include "group.h"
#include "scalar.h"

// The point of a public key (BIP-340, lift_x).
// Returns: 1, or 0 if no point has this x.
// Out: point: the one with even y, x then y; unchanged where 0 is returned.
// In:  x: any 32 bytes.
uint32_t verifier_lift_x(uint8_t point[64], const uint8_t x[32]);

// A sum of two multiples.
// Returns: 1, or 0 if the sum is infinity.
// Out: point: s·Q1 + t·Q2, x then y; unchanged where 0 is returned.
// In/Out: s, t: below n; overwritten.
// In:  first: Q1, on the curve, or NULL for G.
//      second: Q2, on the curve; may be Q1 or its opposite.
uint32_t verifier_combine(uint8_t point[64], scalar *s, const affine *first, scalar *t,
    const affine *second);

// The equation of a signature (BIP-340, "Verification").
// Returns: 1 if R = s·G - e·Q exists, has even y and its x is r; else 0, also if r >= p or s >= n.
// In:  q: Q, on the curve, coordinates below p.
//      r, s: any 32 bytes.
//      e: any 32 bytes; taken modulo n.
uint32_t verifier_equation(const affine *q, const uint8_t r[32], const uint8_t s[32],
    const uint8_t e[32]);

#endif
