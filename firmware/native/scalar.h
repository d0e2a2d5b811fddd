// Scalars: integers modulo the group's order n (SEC 2 v2, section 2.4.1), eight words, below n.
//
// All of it runs in the same time for all values, unless a name ends in _variable.

#ifndef COUNTERSIGN_SCALAR_H
#define COUNTERSIGN_SCALAR_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint32_t word[8];
} scalar;

// The cube root of 1 that belongs to group.h's beta.
extern const scalar scalar_lambda;

// Big-endian. from_bytes: 1 if the value is below n, else 0 and the value is reduced.
uint32_t scalar_from_bytes(scalar *result, const uint8_t bytes[32]);
void scalar_to_bytes(uint8_t bytes[32], const scalar *a);

// From two's complement, a value between -n and n.
void scalar_from_signed(scalar *result, const uint32_t *words, size_t count);

uint32_t scalar_is_zero(const scalar *a);
void scalar_negate(scalar *result, const scalar *a);
// result = a + b * c
void scalar_multiply_add(scalar *result, const scalar *a, const scalar *b, const scalar *c);
// n - a where a is even, a where it is odd (the value is then an odd integer congruent to ±a);
// returns 1 if it was negated. a must not be 0.
uint32_t scalar_make_odd(scalar *a);

#endif
