// What a verifier computes, from public values only. Its time depends on them.

#ifndef COUNTERSIGN_VERIFIER_H
#define COUNTERSIGN_VERIFIER_H

#include "group.h"
#include "scalar.h"

// The point with this x and even y. 0 if there is none.
uint32_t verifier_lift_x(uint8_t point[64], const uint8_t x[32]);
// s·G + t·Q. 0 if that is infinity.
uint32_t verifier_multiply_add(uint8_t point[64], const scalar *s, const scalar *t,
    const point_table *q);
// s·Q1 + t·Q2, the first table scaled to z = 1. 0 if that is infinity.
uint32_t verifier_combine(uint8_t point[64], const scalar *s, const point_table *first,
    const scalar *t, const point_table *second);
// 1 if R = s·G - e·Q exists, has even y and its x is r; else, and if r >= p or s >= n, 0.
// e may be any 32 bytes.
uint32_t verifier_equation(const point_table *q, const uint8_t r[32], const uint8_t s[32],
    const uint8_t e[32]);

#endif
