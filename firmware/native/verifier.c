#include "verifier.h"
#include "tables.h"
#include "words.h"

// Both halves of a split scalar are below 2^128, and a wNAF may carry one place further.
#define POSITIONS 129
#define WINDOW_Q 5

// Digits of a, lowest first: each 0 or odd and below 2^(width - 1) in magnitude, and of any
// `width` in a row at most one is not 0 (Solinas 2000). Returns how many there are up to the last.
static int wnaf(int8_t digit[POSITIONS], const half_scalar *a, int width) {
    int count = 0;
    uint32_t carry = 0;
    for (int i = 0; i < POSITIONS; i++) {
        digit[i] = 0;
    }
    for (int bit = 0; bit < POSITIONS;) {
        uint32_t pair = a->word[bit >> 5] >> (bit & 31);
        if ((pair & 1) == carry) {
            bit++;
            continue;
        }
        if ((bit & 31) > 32 - width && bit < 128) {
            pair |= a->word[(bit >> 5) + 1] << (32 - (bit & 31));
        }
        uint32_t value = (pair & ((1u << width) - 1)) + carry;
        carry = value >> (width - 1);
        int signed_value = (int)value - (int)(carry << width);
        digit[bit] = (int8_t)(a->negative ? -signed_value : signed_value);
        count = bit + 1;
        bit += width;
    }
    return count;
}

// A quick look first: only two words begin a representative of 0.
static uint32_t is_zero_variable(const field *a) {
    uint32_t low = a->word[0];
    return (low == 0 || low == 0xFFFFFC2F) && field_is_zero(a);
}

typedef struct {
    jacobian sum[2];
    unsigned at; // which of them is the sum
    uint32_t infinite;
} accumulator;

// b stands for (x / w², y / w³); inverse_w is 1 / w, or NULL for 1.
static void add_variable(accumulator *a, const affine *b, const field *inverse_w) {
    jacobian *old = &a->sum[a->at], *new = &a->sum[a->at ^ 1];
    field scaled;
    const field *z = &old->z;
    if (a->infinite) {
        new->x = b->x;
        new->y = b->y;
        new->z = field_one;
        if (inverse_w != NULL) {
            // (x / w², y / w³) = (x i², y i³) for i = 1 / w.
            field_square(&scaled, inverse_w);
            field_multiply(&new->x, &new->x, &scaled);
            field_multiply(&scaled, &scaled, inverse_w);
            field_multiply(&new->y, &new->y, &scaled);
        }
        a->infinite = 0;
        a->at ^= 1;
        return;
    }
    if (inverse_w != NULL) {
        field_multiply(&scaled, &old->z, inverse_w);
        z = &scaled;
    }
    jacobian_add(new, old, b, z);
    if (!is_zero_variable(&new->z)) {
        a->at ^= 1;
        return;
    }
    // Equal or opposite: their y tells.
    field y;
    field_square(&y, z);
    field_multiply(&y, &y, z);
    field_multiply(&y, &y, &b->y);
    field_subtract(&y, &y, &old->y);
    if (field_is_zero(&y)) {
        jacobian_double(old, old);
    } else {
        a->infinite = 1;
    }
}

// s·P + t·Q into sum->sum[sum->at], all four halves in one pass (Straus). P is G if p is NULL; a
// table of another P has z = 1.
static void multiply_add(accumulator *sum, const scalar *s, const point_table *p, const scalar *t,
    const point_table *q) {
    int8_t digit[4][POSITIONS];
    half_scalar low, high;
    int count = 0, length;
    for (int i = 0; i < 4; i += 2) {
        int width = i == 0 && p == NULL ? GENERATOR_WINDOW : WINDOW_Q;
        scalar_split(&low, &high, i == 0 ? s : t);
        length = wnaf(digit[i], &low, width);
        count = length > count ? length : count;
        length = wnaf(digit[i + 1], &high, width);
        count = length > count ? length : count;
    }

    // The table of Q is affine on the isomorphic curve where Q's z is 1; so the sum is kept there,
    // and P, which is affine on the curve itself, stands for (x z², y z³) there.
    const field *z = NULL;
    if (!words_are_zero(q->z.word + 1, 7) || q->z.word[0] != 1) {
        z = &q->z;
    }
    sum->at = 0;
    sum->infinite = 1;
    for (int position = count - 1; position >= 0; position--) {
        if (!sum->infinite) {
            jacobian_double(&sum->sum[sum->at], &sum->sum[sum->at]);
        }
        for (int i = 0; i < 4; i++) {
            int value = digit[i][position];
            if (value == 0) {
                continue;
            }
            unsigned index = (unsigned)(value < 0 ? -value : value) >> 1;
            const point_table *table = i < 2 ? p : q;
            affine entry = table == NULL ? generator_odd[index] : table->point[index];
            if (i % 2 == 1) {
                if (table == NULL) {
                    field_multiply(&entry.x, &entry.x, &beta);
                } else {
                    entry.x = table->beta_x[index];
                }
            }
            if (value < 0) {
                field_negate(&entry.y, &entry.y);
            }
            add_variable(sum, &entry, i < 2 ? z : NULL);
        }
    }
    if (!sum->infinite && z != NULL) {
        field_multiply(&sum->sum[sum->at].z, &sum->sum[sum->at].z, z);
    }
}

uint32_t verifier_lift_x(uint8_t point[64], const uint8_t x[32]) {
    static const field seven = {{7}};
    affine p;
    field square;
    if (!field_from_bytes(&p.x, x)) {
        return 0;
    }
    field_square(&square, &p.x);
    field_multiply(&square, &square, &p.x);
    field_add(&square, &square, &seven);
    if (!field_root_variable(&p.y, &square)) {
        return 0;
    }
    field_normalize(&p.y);
    if (p.y.word[0] & 1) {
        field_negate(&p.y, &p.y);
        field_normalize(&p.y);
    }
    affine_to_bytes(point, &p);
    return 1;
}

static uint32_t finish(uint8_t point[64], const accumulator *sum) {
    affine result;
    if (sum->infinite) {
        return 0;
    }
    jacobian_to_affine(&result, &sum->sum[sum->at]);
    affine_to_bytes(point, &result);
    return 1;
}

uint32_t verifier_multiply_add(uint8_t point[64], const scalar *s, const scalar *t,
    const point_table *q) {
    return verifier_combine(point, s, NULL, t, q);
}

uint32_t verifier_combine(uint8_t point[64], const scalar *s, const point_table *first,
    const scalar *t, const point_table *second) {
    accumulator sum;
    multiply_add(&sum, s, first, t, second);
    return finish(point, &sum);
}

uint32_t verifier_equation(const point_table *q, const uint8_t r[32], const uint8_t s[32],
    const uint8_t e[32]) {
    scalar s_scalar, e_scalar;
    field r_field, t;
    accumulator sum;
    if (!field_from_bytes(&r_field, r) || !scalar_from_bytes(&s_scalar, s)) {
        return 0;
    }
    scalar_from_bytes(&e_scalar, e);
    scalar_negate(&e_scalar, &e_scalar);
    multiply_add(&sum, &s_scalar, NULL, &e_scalar, q);
    if (sum.infinite) {
        return 0;
    }
    // x / z² = r without the inverse; only a proof that passes pays for it, to see y's parity.
    jacobian *end = &sum.sum[sum.at];
    field_square(&t, &end->z);
    field_multiply(&t, &t, &r_field);
    field_subtract(&t, &t, &end->x);
    if (!field_is_zero(&t)) {
        return 0;
    }
    affine point;
    jacobian_to_affine(&point, end);
    return (point.y.word[0] & 1) ^ 1u;
}
