// The group of secp256k1: y² = x³ + 7.
//
// All of it runs in the same time for all points, unless a name ends in _variable.

#ifndef COUNTERSIGN_GROUP_H
#define COUNTERSIGN_GROUP_H

#include "field.h"

typedef struct {
    field x, y;
} affine;

// (x / z², y / z³); z = 0 is infinity.
typedef struct {
    field x, y, z;
} jacobian;

// (x / z, y / z); z = 0 is infinity.
typedef struct {
    field x, y, z;
} projective;

// Odd multiples of a point: window 5, so 1, 3, … 15 times it.
#define ODD_MULTIPLES 8

// (x / z², y / z³) for each entry, with one z for all.
typedef struct {
    affine point[ODD_MULTIPLES];
    field z;
} point_table;

// The same for P, R and P + unit R, the units of Z[ω] in the order of eisenstein.h. beta_x are the
// x-coordinates of lambda times the entries: the curve has the endomorphism (x, y) -> (beta x, y),
// and is thus a module over Z[ω].
#define PAIR_ENTRIES 8
typedef struct {
    affine point[PAIR_ENTRIES];
    field beta_x[PAIR_ENTRIES];
    field z;
} pair_table;

extern const field beta;

// 2 a. a is not infinity, and no point has order 2. result may be a.
void jacobian_double(jacobian *result, const jacobian *a);

// a + b, where a ≠ ±b and a is not infinity; if a = ±b, z is 0. result is not a.
// z: a->z for an affine b; a->z times 1 / w for a b that stands for (x / w², y / w³).
void jacobian_add(jacobian *result, const jacobian *a, const affine *b, const field *z);

void jacobian_to_projective(projective *result, const jacobian *a);

// a + b for any a and b: the complete formula of Renes, Costello and Batina (EUROCRYPT 2016),
// algorithm 8. result may be a.
void projective_add(projective *result, const projective *a, const affine *b);

// Normalized (x / z, y / z); 0 for infinity.
void projective_to_affine(affine *result, const projective *a);

// Normalized x / z², y / z³; 0 for infinity.
void jacobian_to_affine(affine *result, const jacobian *a);

// 1 if (x, y), both below p, is on the curve, else 0. For public points.
uint32_t affine_from_bytes_variable(affine *result, const uint8_t bytes[64]);
void affine_to_bytes(uint8_t bytes[64], const affine *normalized);

// The table of a public point on the curve. scale: bring z to 1, at the price of an inversion.
void point_table_make(point_table *table, const affine *point);
void point_table_scale(point_table *table);

// The table of two points on the curve, public. inverse: 1 / (y_p² - y_r²), and then z is 1
// and not set, or NULL.
// 0, and no table, if one is a unit times the other: these squares are then the same.
uint32_t pair_table_make_variable(pair_table *table, const affine *p, const affine *r,
    const field *inverse);
// unit * (x, y), a unit as in eisenstein.h; beta_x as in the table, or NULL to have it computed.
void affine_times_unit_variable(affine *p, const field *beta_x, unsigned unit);

// b negated where mask is all ones.
void affine_negate_where(affine *b, uint32_t mask);
// result = table[index] of `count` entries, all of them read whatever the index is.
void affine_scan(affine *result, const affine *table, uint32_t count, uint32_t index);

#endif
