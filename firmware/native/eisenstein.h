// Eisenstein integers a + b ω with ω² + ω + 1 = 0: scalars as the endomorphism sees them.
//
// Z[ω] has a ν with n = ν ν̄, and Z[ω] / ν is the field of scalars, where ω is lambda (Gallant,
// Lambert and Vanstone, CRYPTO 2001, split scalars that way).
//
// Every function is for public values only: time and addresses depend on them. eisenstein.c proves
// that no value exceeds the fixed sizes. Results and operands of one call are different objects.

#ifndef COUNTERSIGN_EISENSTEIN_H
#define COUNTERSIGN_EISENSTEIN_H

#include <stddef.h>
#include <stdint.h>

#include "scalar.h"

// a, b in two's complement; all processors here are little-endian.
#define EISENSTEIN_WORDS 5
typedef union {
    uint32_t part[2][EISENSTEIN_WORDS];
    uint16_t limb[2][2 * EISENSTEIN_WORDS];
} eisenstein;

// The code of a unit is power | minus. It stands for ω^power with power < 3, and with UNIT_MINUS
// for -ω^power. In tables the units have the order 1, ω, ω², -1, -ω, -ω².
#define UNIT_MINUS 4u
#define UNIT_POWER 3u
#define UNITS 6

// Split a scalar.
// Out: result: congruent to a modulo ν; both parts below 2^129 in magnitude.
// In:  a: a scalar below n.
void eisenstein_from_scalar(eisenstein *result, const scalar *a);

// The scalar of an Eisenstein integer: the first part + lambda times the second, modulo n.
// Out: result: below n.
// In:  a: parts below n in magnitude.
void eisenstein_to_scalar(scalar *result, const eisenstein *a);

// Write e as a fraction u / v of half the length.
// Returns: a bound on the bits of all four parts: HALF_BITS, or WHOLE_BITS for one e in some
//          hundred thousand.
// Out: pair: (u, v) with u = v * e modulo n, and v not 0 modulo n.
// In:  e: a scalar below n.
#define HALF_BITS 68
#define WHOLE_BITS 130
unsigned eisenstein_half_size(eisenstein pair[2], const scalar *e);

// Digits of a pair (a, b), lowest first: a = sum of a_i 2^i, and b = sum of b_i 2^i. Digit i is 0
// if both a_i and b_i are 0. Otherwise it is DIGIT_ENTRY * (1 + index) + unit, which stands for
// unit times entry `index` of a table of pairs.
#define DIGIT_ENTRY 8u

// Joint digits of two numbers, where a_i and b_i are 0 or units. The table's entries are (1, 0),
// (0, 1), then (1, unit) for each unit, as in pair_table.
// Returns: how many digits there are up to the last that is not 0.
// Out: digit: the digits; what lies above the returned number is not read.
// In:  pair: (a, b), parts of at most `bits` bits.
//      bits: at most WHOLE_BITS.
#define PAIR_POSITIONS (WHOLE_BITS + 4)
int eisenstein_pair_digits(uint16_t digit[PAIR_POSITIONS], const eisenstein pair[2], unsigned bits);

// Joint digits of the halves of one number, a = low + high * 2^64. If digit i is not 0, at least
// one of low_i and high_i is odd. An odd one is a unit or θ times a unit, with θ = 1 - ω. The other
// is odd too, or 0, or 2 times a unit. The table's entries are
// 16 k + m: (θ^k, c_m) for c = 0, 2, 2ω, 2ω², the units, θ times the units;
// 32 + 4 k + m: (c_m, θ^k) for the first four.
// Returns: how many digits there are up to the last that is not 0.
// Out: digit: the digits; what lies above the returned number is not read.
// In:  a: parts below 2^129 in magnitude.
#define GENERATOR_POSITIONS 70
int eisenstein_generator_digits(uint16_t digit[GENERATOR_POSITIONS], const eisenstein *a);

#endif
