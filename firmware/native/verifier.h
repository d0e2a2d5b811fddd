// What a verifier computes, from public values only. Its time depends on them.

#ifndef COUNTERSIGN_VERIFIER_H
#define COUNTERSIGN_VERIFIER_H

#include "group.h"
#include "scalar.h"

// The point with this x and even y. 0 if there is none.
uint32_t verifier_lift_x(uint8_t point[64], const uint8_t x[32]);
// s·Q1 + t·Q2, Q1 = G if it is NULL. 0 if that is infinity. The scalars are lost.
uint32_t verifier_combine(uint8_t point[64], scalar *s, const affine *first, scalar *t,
    const affine *second);
// 1 if R = s·G - e·Q exists, has even y and its x is r; else, and if r >= p or s >= n, 0.
// e may be any 32 bytes.
uint32_t verifier_equation(const affine *q, const uint8_t r[32], const uint8_t s[32],
    const uint8_t e[32]);

#endif
