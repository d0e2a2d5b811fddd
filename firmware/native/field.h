// The field of secp256k1: integers modulo p = 2^256 - 2^32 - 977 (SEC 2 v2, section 2.4.1).
//
// An element is eight 32-bit words, lowest first, holding any representative below 2^256: a result
// is congruent, and below p only after field_normalize. Results may overlap operands.
//
// Every function here runs in the same time for all values and touches the same addresses, unless
// its name ends in _variable. On ARM the first five are assembly (generate_field.py).

#ifndef COUNTERSIGN_FIELD_H
#define COUNTERSIGN_FIELD_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint32_t word[8];
} field;

extern const field field_one;

void field_multiply(field *result, const field *a, const field *b);
void field_square(field *result, const field *a);
void field_add(field *result, const field *a, const field *b);
void field_subtract(field *result, const field *a, const field *b);
void field_halve(field *result, const field *a);

void field_square_times(field *result, const field *a, unsigned times); // a^(2^times), times > 0
void field_multiply_small(field *result, const field *a, uint32_t small); // small < 2^16
void field_negate(field *result, const field *a);
void field_invert(field *result, const field *a); // 1 / a; 0 for 0

// The least representative.
void field_normalize(field *a);
// 1 if a is 0 modulo p, else 0.
uint32_t field_is_zero(const field *a);
// result = a where mask is all ones, unchanged where it is 0.
void field_select(field *result, const field *a, uint32_t mask);

// Big-endian bytes, as in every message. from_bytes: 1 if the value is below p, else 0.
uint32_t field_from_bytes(field *result, const uint8_t bytes[32]);
void field_to_bytes(uint8_t bytes[32], const field *normalized);

// a^((p - 3) / 4), and 1, if a is a square but not 0; then that times a is a root of a, and its inverse.
// For public values.
uint32_t field_inverse_root_variable(field *result, const field *a);

#endif
