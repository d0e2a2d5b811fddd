#include "group.h"
#include "eisenstein.h"
#include "words.h"

const field beta = {{
    0x719501EE, 0xC1396C28, 0x12F58995, 0x9CF04975, 0xAC3434E9, 0x6E64479E, 0x657C0710, 0x7AE96A2B,
}};

void jacobian_double(jacobian *result, const jacobian *a) {
    // 3 M + 4 S: S = y², M = 3/2 x², T = x S; x' = M² - 2 T, y' = M (T - x') - S², z' = y z.
    field s, m, t;
    field_square(&s, &a->y);
    field_multiply(&result->z, &a->y, &a->z);
    field_square(&m, &a->x);
    field_halve(&t, &m);
    field_add(&m, &m, &t);
    field_multiply(&t, &a->x, &s);
    field_square(&s, &s);
    field_square(&result->x, &m);
    field_subtract(&result->x, &result->x, &t);
    field_subtract(&result->x, &result->x, &t);
    field_subtract(&t, &t, &result->x);
    field_multiply(&t, &t, &m);
    field_subtract(&result->y, &t, &s);
}

void jacobian_add(jacobian *result, const jacobian *a, const affine *b, const field *z) {
    // 8 M + 3 S: H = x_b z² - x, R = y_b z³ - y, V = x H²;
    // x' = R² - H³ - 2 V, y' = R (V - x') - y H³, z' = z_a H.
    field h, r, v, t;
    field_square(&t, z);
    field_multiply(&h, &b->x, &t);
    field_subtract(&h, &h, &a->x);
    field_multiply(&t, &t, z);
    field_multiply(&r, &b->y, &t);
    field_subtract(&r, &r, &a->y);
    field_multiply(&result->z, &a->z, &h);
    field_square(&t, &h);
    field_multiply(&v, &a->x, &t);
    field_multiply(&h, &h, &t);
    field_square(&result->x, &r);
    field_subtract(&result->x, &result->x, &h);
    field_subtract(&result->x, &result->x, &v);
    field_subtract(&result->x, &result->x, &v);
    field_subtract(&v, &v, &result->x);
    field_multiply(&v, &v, &r);
    field_multiply(&h, &h, &a->y);
    field_subtract(&result->y, &v, &h);
}

void jacobian_to_projective(projective *result, const jacobian *a) {
    field_multiply(&result->x, &a->x, &a->z);
    result->y = a->y;
    field t;
    field_square(&t, &a->z);
    field_multiply(&result->z, &t, &a->z);
}

void projective_add(projective *result, const projective *a, const affine *b) {
    // 11 M, and two by 3 b = 21.
    field t0, t1, t2, t3, t4, x, y, z;
    field_multiply(&t0, &a->x, &b->x);
    field_multiply(&t1, &a->y, &b->y);
    field_add(&t3, &b->x, &b->y);
    field_add(&t4, &a->x, &a->y);
    field_multiply(&t3, &t3, &t4);
    field_add(&t4, &t0, &t1);
    field_subtract(&t3, &t3, &t4);
    field_multiply(&t4, &b->y, &a->z);
    field_add(&t4, &t4, &a->y);
    field_multiply(&y, &b->x, &a->z);
    field_add(&y, &y, &a->x);
    field_add(&x, &t0, &t0);
    field_add(&t0, &x, &t0);
    field_multiply_small(&t2, &a->z, 21);
    field_add(&z, &t1, &t2);
    field_subtract(&t1, &t1, &t2);
    field_multiply_small(&y, &y, 21);
    field_multiply(&x, &t4, &y);
    field_multiply(&t2, &t3, &t1);
    field_subtract(&result->x, &t2, &x);
    field_multiply(&y, &y, &t0);
    field_multiply(&t1, &t1, &z);
    field_add(&result->y, &t1, &y);
    field_multiply(&t0, &t0, &t3);
    field_multiply(&z, &z, &t4);
    field_add(&result->z, &z, &t0);
}

static void scaled_to_affine(affine *result, const field *x, const field *x_scale, const field *y,
    const field *y_scale) {
    field_multiply(&result->x, x, x_scale);
    field_multiply(&result->y, y, y_scale);
    field_normalize(&result->x);
    field_normalize(&result->y);
}

void projective_to_affine(affine *result, const projective *a) {
    field inverse;
    field_invert(&inverse, &a->z);
    scaled_to_affine(result, &a->x, &inverse, &a->y, &inverse);
}

void jacobian_to_affine(affine *result, const jacobian *a) {
    field inverse, square;
    field_invert(&inverse, &a->z);
    field_square(&square, &inverse);
    field_multiply(&inverse, &inverse, &square);
    scaled_to_affine(result, &a->x, &square, &a->y, &inverse);
}

uint32_t affine_from_bytes_variable(affine *result, const uint8_t bytes[64]) {
    static const field seven = {{7}};
    field left, right;
    uint32_t reduced = field_from_bytes(&result->x, bytes);
    reduced &= field_from_bytes(&result->y, bytes + 32);
    field_square(&left, &result->y);
    field_square(&right, &result->x);
    field_multiply(&right, &right, &result->x);
    field_add(&right, &right, &seven);
    field_subtract(&left, &left, &right);
    return reduced & field_is_zero(&left);
}

void affine_to_bytes(uint8_t bytes[64], const affine *normalized) {
    field_to_bytes(bytes, &normalized->x);
    field_to_bytes(bytes + 32, &normalized->y);
}

// p = (x scale², y scale³)
static void rescale(affine *p, const field *scale) {
    field square;
    field_square(&square, scale);
    field_multiply(&p->x, &p->x, &square);
    field_multiply(&square, &square, scale);
    field_multiply(&p->y, &p->y, &square);
}

void point_table_make(point_table *table, const affine *point) {
    // Each entry is the last one plus twice the point. Both summands are affine on one isomorphic
    // curve. Their sum is affine on the next such curve, which turns the sum's z into 1. No
    // summands are equal or opposite, because the order is a prime above 17.
    affine *row = table->point, twice;
    field ratio[ODD_MULTIPLES];
    jacobian last = {.x = point->x, .y = point->y, .z = field_one}, next;
    jacobian_double(&next, &last);
    table->z = next.z;
    row[0] = *point;
    rescale(&row[0], &next.z);
    twice.x = next.x;
    twice.y = next.y;
    for (size_t i = 1; i < ODD_MULTIPLES; i++) {
        last.x = row[i - 1].x;
        last.y = row[i - 1].y;
        jacobian_add(&next, &last, &twice, &last.z);
        ratio[i] = next.z;
        row[i].x = next.x;
        row[i].y = next.y;
        rescale(&twice, &next.z);
    }

    // This scales all entries to the z of the last.
    field scale = ratio[ODD_MULTIPLES - 1];
    for (size_t i = ODD_MULTIPLES - 2;; i--) {
        rescale(&row[i], &scale);
        if (i == 0) {
            break;
        }
        field_multiply(&scale, &scale, &ratio[i]);
    }
    field_multiply(&table->z, &table->z, &scale);
}

void point_table_scale(point_table *table) {
    field inverse;
    field_invert(&inverse, &table->z);
    for (size_t i = 0; i < ODD_MULTIPLES; i++) {
        rescale(&table->point[i], &inverse);
    }
    table->z = field_one;
}

// Given two of t, beta t and beta² t, the third, because 1 + beta + beta² = 0.
static void third(field *result, const field *first, const field *second) {
    field_add(result, first, second);
    field_negate(result, result);
}

uint32_t pair_table_make_variable(pair_table *table, const affine *p, const affine *r,
    const field *inverse) {
    // The six sums have the denominators x_p - beta^i x_r, whose product over i is
    // z = x_p³ - x_r³ = y_p² - y_r². So each denominator is z over the product of the other two,
    // g_i = x_p² + beta^i x_p x_r + beta^2i x_r², and all sums can share z: with
    // L = (y_p ∓ y_r) g_i, x = L² - (x_p + beta^i x_r) z², y = L (x_p z² - x) - y_p z³.
    affine *sum = table->point;
    field square, cube, g[3], mixed[3], x_r[3], slope[2], t;
    sum[0] = *p;
    sum[1] = *r;
    field_subtract(&slope[0], &p->y, &r->y);
    field_add(&slope[1], &p->y, &r->y);
    if (inverse != NULL) {
        // The inverse makes these the true slopes, so z is 1.
        field_multiply(&slope[0], &slope[0], inverse);
        field_multiply(&slope[1], &slope[1], inverse);
    } else {
        field_multiply(&table->z, &slope[0], &slope[1]);
        if (field_is_zero(&table->z)) {
            return 0;
        }
        field_square(&square, &table->z);
        field_multiply(&cube, &square, &table->z);
        for (size_t i = 0; i < 2; i++) {
            field_multiply(&sum[i].x, &sum[i].x, &square);
            field_multiply(&sum[i].y, &sum[i].y, &cube);
        }
    }

    x_r[0] = sum[1].x;
    field_multiply(&x_r[1], &x_r[0], &beta);
    third(&x_r[2], &x_r[0], &x_r[1]);
    field_multiply(&mixed[0], &p->x, &r->x);
    field_multiply(&mixed[1], &mixed[0], &beta);
    third(&mixed[2], &mixed[0], &mixed[1]);
    field_square(&g[0], &r->x);
    field_multiply(&g[2], &g[0], &beta);
    third(&g[1], &g[0], &g[2]);
    field_square(&square, &p->x);
    for (size_t unit = 0; unit < 6; unit++) {
        size_t power = unit < 3 ? unit : unit - 3;
        affine *to = &sum[2 + unit];
        if (unit < 3) {
            field_add(&g[power], &g[power], &mixed[power]);
            field_add(&g[power], &g[power], &square);
        }
        field_multiply(&t, &g[power], &slope[unit >= 3]);
        field_square(&to->x, &t);
        field_subtract(&to->x, &to->x, &sum[0].x);
        field_subtract(&to->x, &to->x, &x_r[power]);
        field_subtract(&to->y, &sum[0].x, &to->x);
        field_multiply(&to->y, &to->y, &t);
        field_subtract(&to->y, &to->y, &sum[0].y);
    }
    for (size_t i = 0; i < PAIR_ENTRIES; i++) {
        field_multiply(&table->beta_x[i], &sum[i].x, &beta);
    }
    return 1;
}

void affine_times_unit_variable(affine *p, const field *beta_x, unsigned unit) {
    if (unit & UNIT_MINUS) {
        field_negate(&p->y, &p->y);
        unit &= UNIT_POWER;
    }
    if (unit == 0) {
        return;
    }
    field product;
    if (beta_x == NULL) {
        field_multiply(&product, &p->x, &beta);
        beta_x = &product;
    }
    if (unit == 1) {
        p->x = *beta_x;
    } else {
        third(&p->x, &p->x, beta_x);
    }
}

void affine_negate_where(affine *b, uint32_t mask) {
    field negated;
    field_negate(&negated, &b->y);
    field_select(&b->y, &negated, mask);
}

#if !defined(COUNTERSIGN_FIELD_ASSEMBLY)
void affine_scan(affine *result, const affine *table, uint32_t count, uint32_t index) {
    uint32_t *to = result->x.word;
    for (size_t word = 0; word < 16; word++) {
        to[word] = 0;
    }
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t *from = table[i].x.word;
        uint32_t mask = mask_of(is_zero_word(i ^ index));
        for (size_t word = 0; word < 16; word++) {
            to[word] |= from[word] & mask;
        }
    }
}
#endif
