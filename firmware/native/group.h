// The group of secp256k1: y² = x³ + 7.
//
// Every function takes the same time and touches the same addresses for all points, unless its name
// ends in _variable. Coordinates are any representatives (field.h); "normalized" ones are below p.
// Result and operands of one call are different objects, unless the contract allows them to be the
// same.

#ifndef COUNTERSIGN_GROUP_H
#define COUNTERSIGN_GROUP_H

#include "field.h"

// A point that is not infinity.
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

// Odd multiples of a point for a window of 5: 1, 3, … 15 times the point.
#define ODD_MULTIPLES 8

// (x / z², y / z³) for each entry, with one z for all.
typedef struct {
    affine point[ODD_MULTIPLES];
    field z;
} point_table;

// (x / z², y / z³) for P, R and P + unit R, with one z for all and the units of Z[ω] in the order
// of eisenstein.h. beta_x are the x-coordinates of lambda times the entries. The curve has the
// endomorphism (x, y) -> (beta x, y), and is thus a module over Z[ω].
#define PAIR_ENTRIES 8
typedef struct {
    affine point[PAIR_ENTRIES];
    field beta_x[PAIR_ENTRIES];
    field z;
} pair_table;

extern const field beta;

// Out: result: 2 a; may be a.
// In:  a: not infinity. No point has order 2, so the result is not infinity either.
void jacobian_double(jacobian *result, const jacobian *a);

// The incomplete addition.
// Out: result: a + b if a ≠ ±b; z is 0 if a = ±b. Another object than a.
// In:  a: not infinity.
//      b.
//      z: a->z for an affine b; a->z times 1 / w for a b that stands for (x / w², y / w³).
void jacobian_add(jacobian *result, const jacobian *a, const affine *b, const field *z);

// Out: result: the same point.
// In:  a: any point, infinity included.
void jacobian_to_projective(projective *result, const jacobian *a);

// The complete addition of Renes, Costello and Batina (EUROCRYPT 2016), algorithm 8.
// Out: result: a + b; may be a.
// In:  a: any point, infinity included.
//      b: any affine point, a and -a included.
void projective_add(projective *result, const projective *a, const affine *b);

// Out: result: (x / z, y / z), normalized; (0, 0) for infinity.
// In:  a: any point.
void projective_to_affine(affine *result, const projective *a);

// Out: result: (x / z², y / z³), normalized; (0, 0) for infinity.
// In:  a: any point.
void jacobian_to_affine(affine *result, const jacobian *a);

// Read a public point; variable time.
// Returns: 1 if both coordinates are below p and the point is on the curve, else 0.
// Out: result: the coordinates as they were read. They are no point if the function returns 0.
// In:  bytes: x, then y, big-endian.
uint32_t affine_from_bytes_variable(affine *result, const uint8_t bytes[64]);

// Out: bytes: x, then y, big-endian.
// In:  normalized: coordinates below p.
void affine_to_bytes(uint8_t bytes[64], const affine *normalized);

// The table of a point's odd multiples.
// Out: table: its z is not 1; point_table_scale brings z to 1.
// In:  point: public, on the curve.
void point_table_make(point_table *table, const affine *point);

// Bring the table's z to 1. This takes one inversion.
// In/Out: table: from point_table_make.
void point_table_scale(point_table *table);

// The table of two points; variable time.
// Returns: 1, or 0 if one point is a unit times the other, which means that y_p² = y_r². If inverse
//          is not NULL, the function does not check this and returns 1.
// Out: table: not usable if the function returns 0. If inverse is not NULL, its z is not set and
//      counts as 1.
// In:  p, r: public, on the curve.
//      inverse: 1 / (y_p² - y_r²), or NULL.
uint32_t pair_table_make_variable(pair_table *table, const affine *p, const affine *r,
    const field *inverse);

// A unit of Z[ω] times a point; variable time.
// In/Out: p: public; becomes unit times p.
// In:  beta_x: beta times p's x as the pair table holds it, or NULL: the function computes it.
//      unit: as in eisenstein.h.
void affine_times_unit_variable(affine *p, const field *beta_x, unsigned unit);

// Negate without a branch.
// In/Out: b: -b where mask is all ones, unchanged where it is 0.
// In:  mask: all ones or 0.
void affine_negate_where(affine *b, uint32_t mask);

// Look an entry up and reveal no index: the function reads every entry, whatever the index is.
// Out: result: table[index]; zeros if index is not below count.
// In:  table: `count` entries.
//      count: public.
//      index: may be secret.
void affine_scan(affine *result, const affine *table, uint32_t count, uint32_t index);

#endif
