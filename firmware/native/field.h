// The field of secp256k1: integers modulo p = 2^256 - 2^32 - 977 (SEC 2 v2, section 2.4.1).
//
// An element is eight 32-bit words, lowest first. It holds any representative below 2^256.
// "Reduced" means below p.
//
// Unless its contract says otherwise, a function takes any representatives, returns a
// representative that need not be reduced, and allows result to be the same object as an operand.
// Every function takes the same time and touches the same addresses for all values, unless its name
// ends in _variable. On ARM the first five functions are assembly (generate_field.py).

#ifndef COUNTERSIGN_FIELD_H
#define COUNTERSIGN_FIELD_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint32_t word[8];
} field;

extern const field field_one;

// Out: result: a * b.
// In:  a, b.
void field_multiply(field *result, const field *a, const field *b);

// Out: result: a².
// In:  a.
void field_square(field *result, const field *a);

// Out: result: a + b.
// In:  a, b.
void field_add(field *result, const field *a, const field *b);

// Out: result: a - b.
// In:  a, b.
void field_subtract(field *result, const field *a, const field *b);

// Out: result: a / 2.
// In:  a.
void field_halve(field *result, const field *a);

// Out: result: a^(2^times).
// In:  a.
//      times: at least 1; public, since it decides the time.
void field_square_times(field *result, const field *a, unsigned times);

// Out: result: a * small.
// In:  a.
//      small: below 2^16.
void field_multiply_small(field *result, const field *a, uint32_t small);

// Out: result: -a.
// In:  a.
void field_negate(field *result, const field *a);

// Out: result: 1 / a, and 0 for 0.
// In:  a.
void field_invert(field *result, const field *a);

// Reduce.
// In/Out: a: the same element, below p.
void field_normalize(field *a);

// Returns: 1 if a is 0 modulo p, else 0.
// In:  a.
uint32_t field_is_zero(const field *a);

// Choose without a branch.
// In/Out: result: a where mask is all ones, unchanged where it is 0.
// In:  a.
//      mask: all ones or 0.
void field_select(field *result, const field *a, uint32_t mask);

// Read 32 big-endian bytes, as in every message.
// Returns: 1 if the value is below p, else 0.
// Out: result: the value, which is not reduced if the function returns 0.
// In:  bytes.
uint32_t field_from_bytes(field *result, const uint8_t bytes[32]);

// Write 32 big-endian bytes.
// Out: bytes.
// In:  normalized: reduced.
void field_to_bytes(uint8_t bytes[32], const field *normalized);

// The inverse of a square root. For public values; variable time.
// Returns: 1 if a is a square and not 0, else 0.
// Out: result: a^((p - 3) / 4). If the function returns 1, result * a is a square root of a, and
//      result is the inverse of that root.
// In:  a: another object than result.
uint32_t field_inverse_root_variable(field *result, const field *a);

#endif
