// Scalars: integers modulo the group's order n (SEC 2 v2, section 2.4.1), eight words, below n.
//
// Every function takes the same time and touches the same addresses for all values. Operands and
// results are below n. Result may be the same object as an operand.

#ifndef COUNTERSIGN_SCALAR_H
#define COUNTERSIGN_SCALAR_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint32_t word[8];
} scalar;

// The cube root of 1 that belongs to group.h's beta.
extern const scalar scalar_lambda;

// Read 32 big-endian bytes.
// Returns: 1 if the value is below n, else 0.
// Out: result: the value modulo n.
// In:  bytes.
uint32_t scalar_from_bytes(scalar *result, const uint8_t bytes[32]);

// Write 32 big-endian bytes.
// Out: bytes.
// In:  a.
void scalar_to_bytes(uint8_t bytes[32], const scalar *a);

// Read a number with a sign.
// Out: result: the value modulo n.
// In:  words: two's complement, lowest word first; a value between -n and n.
//      count: 1 to 8 words.
void scalar_from_signed(scalar *result, const uint32_t *words, size_t count);

// Returns: 1 if a is 0, else 0.
// In:  a.
uint32_t scalar_is_zero(const scalar *a);

// Out: result: -a modulo n, 0 for 0.
// In:  a.
void scalar_negate(scalar *result, const scalar *a);

// Out: result: a + b * c modulo n.
// In:  a, b, c.
void scalar_multiply_add(scalar *result, const scalar *a, const scalar *b, const scalar *c);

// Make a scalar an odd integer.
// Returns: 1 if it was negated, else 0.
// In/Out: a: not 0; n - a where it is even, unchanged where it is odd.
uint32_t scalar_make_odd(scalar *a);

#endif
