#include "group.h"
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
    // Each entry is twice the point more than the last. Both summands share their z, which makes
    // an addition 5 M + 2 S and hands back a summand on the new z (Meloni 2007; Goundar, Joye and
    // Miyaji, CHES 2010). No summands are equal or opposite: the order is a prime above 17.
    affine *row = table->point;
    field ratio[ODD_MULTIPLES], x, y, t, w;
    affine twice;

    // 2 P, and P on the same z = 2 y: S = 4 x y², M = 3 x².
    field_square(&t, &point->y);
    field_add(&t, &t, &t);
    field_multiply(&row[0].x, &point->x, &t);
    field_add(&row[0].x, &row[0].x, &row[0].x);
    field_square(&t, &t);
    field_add(&row[0].y, &t, &t);
    field_square(&w, &point->x);
    field_add(&t, &w, &w);
    field_add(&w, &w, &t);
    field_square(&twice.x, &w);
    field_subtract(&twice.x, &twice.x, &row[0].x);
    field_subtract(&twice.x, &twice.x, &row[0].x);
    field_subtract(&t, &row[0].x, &twice.x);
    field_multiply(&t, &t, &w);
    field_subtract(&twice.y, &t, &row[0].y);
    field_add(&table->z, &point->y, &point->y);

    for (size_t i = 1; i < ODD_MULTIPLES; i++) {
        // D = x1 - x2, C = D², W1 = x1 C, W2 = x2 C, R = y1 - y2, A = y1 (W1 - W2);
        // x3 = R² - W1 - W2, y3 = R (W1 - x3) - A; the first summand becomes (W1, A).
        field_subtract(&ratio[i], &twice.x, &row[i - 1].x);
        field_square(&t, &ratio[i]);
        field_multiply(&x, &twice.x, &t);
        field_multiply(&w, &row[i - 1].x, &t);
        field_subtract(&t, &x, &w);
        field_subtract(&y, &twice.y, &row[i - 1].y);
        field_multiply(&twice.y, &twice.y, &t);
        twice.x = x;
        field_square(&t, &y);
        field_subtract(&t, &t, &x);
        field_subtract(&row[i].x, &t, &w);
        field_subtract(&t, &x, &row[i].x);
        field_multiply(&t, &t, &y);
        field_subtract(&row[i].y, &t, &twice.y);
    }

    // All entries to the z of the last.
    field scale = ratio[ODD_MULTIPLES - 1];
    for (size_t i = ODD_MULTIPLES - 2;; i--) {
        rescale(&row[i], &scale);
        if (i == 0) {
            break;
        }
        field_multiply(&scale, &scale, &ratio[i]);
    }
    field_multiply(&table->z, &table->z, &scale);
    for (size_t i = 0; i < ODD_MULTIPLES; i++) {
        field_multiply(&table->beta_x[i], &row[i].x, &beta);
    }
}

void point_table_scale(point_table *table) {
    field inverse;
    field_invert(&inverse, &table->z);
    for (size_t i = 0; i < ODD_MULTIPLES; i++) {
        rescale(&table->point[i], &inverse);
        field_multiply(&table->beta_x[i], &table->point[i].x, &beta);
    }
    table->z = field_one;
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
