#include "verifier.h"
#include "eisenstein.h"
#include "tables.h"
#include "words.h"

// Functions that are not inlined free one stage's stack before the next stage.
#define NEVER_INLINE __attribute__((noinline))

static const scalar zero;

// The first comparison is quick: only two lowest words occur in a representative of 0.
static uint32_t is_zero_variable(const field *a) {
    uint32_t low = a->word[0];
    return (low == 0 || low == 0xFFFFFC2F) && field_is_zero(a);
}

typedef struct {
    jacobian point[2], *sum, *spare;
} accumulator;

static void start(accumulator *a) {
    a->sum = &a->point[0];
    a->spare = &a->point[1];
    a->sum->z = (field){{0}};
}

// a += b for any b: the accumulator may be infinity, equal to b or its opposite.
static void add_variable(accumulator *a, const affine *b) {
    jacobian *old = a->sum, *new = a->spare;
    a->sum = new;
    a->spare = old;
    if (is_zero_variable(&old->z)) {
        new->x = b->x;
        new->y = b->y;
        new->z = field_one;
        return;
    }
    jacobian_add(new, old, b, &old->z);
    // For equal x, z is 0, and x is the square of the difference of the y.
    if (is_zero_variable(&new->z) && field_is_zero(&new->x)) {
        jacobian_double(new, old);
    }
}

// u·P + v·R + w·G in one pass (Straus), on the curve where the z of the table of P and R is 1. w
// must be NULL unless that z is 1.
static void multiply(accumulator *a, const pair_table *table, const eisenstein uv[2],
    unsigned bits, const eisenstein *w) {
    uint16_t pair_digit[PAIR_POSITIONS], generator_digit[GENERATOR_POSITIONS];
    int pair_count = eisenstein_pair_digits(pair_digit, uv, bits);
    int generator_count = w == NULL ? 0 : eisenstein_generator_digits(generator_digit, w);
    int position = pair_count > generator_count ? pair_count : generator_count;
    start(a);
    while (position-- > 0) {
        if (!is_zero_variable(&a->sum->z)) {
            jacobian_double(a->sum, a->sum);
        }
        affine entry;
        if (position < pair_count && pair_digit[position] != 0) {
            unsigned index = pair_digit[position] / DIGIT_ENTRY - 1;
            entry = table->point[index];
            affine_times_unit_variable(&entry, &table->beta_x[index],
                pair_digit[position] % DIGIT_ENTRY);
            add_variable(a, &entry);
        }
        if (position < generator_count && generator_digit[position] != 0) {
            entry = generator_pairs[generator_digit[position] / DIGIT_ENTRY - 1];
            affine_times_unit_variable(&entry, NULL, generator_digit[position] % DIGIT_ENTRY);
            add_variable(a, &entry);
        }
    }
}

// The point with this x and even y. With `other`, *inverse becomes 1 / (y² of the other - y²), or 0
// if there is none.
static uint32_t lift(affine *p, const uint8_t x[32], const affine *other, field *inverse) {
    static const field seven = {{7}};
    field square, scaled, z, root;
    if (!field_from_bytes(&p->x, x)) {
        return 0;
    }
    field_square(&square, &p->x);
    field_multiply(&square, &square, &p->x);
    field_add(&square, &square, &seven);
    scaled = square;
    if (other != NULL) {
        // One exponentiation serves both: it gives 1 / (z² y), the inverse root of z⁴ y². z⁴ y² is
        // a square exactly if y² is one, and it is not 0, because x³ = -7 has no solution.
        field_square(&z, &other->y);
        field_subtract(&z, &z, &square);
        if (!field_is_zero(&z)) {
            field_square(&root, &z);
            field_multiply(&square, &square, &root);
            field_multiply(&scaled, &square, &root);
        }
    }
    if (!field_inverse_root_variable(&root, &scaled)) {
        return 0;
    }
    field_multiply(&p->y, &square, &root);
    if (other != NULL) {
        field_multiply(inverse, &root, &p->y);
        field_multiply(inverse, inverse, &z);
    }
    field_normalize(&p->y);
    if (p->y.word[0] & 1) {
        field_negate(&p->y, &p->y);
        field_normalize(&p->y);
    }
    return 1;
}

uint32_t verifier_lift_x(uint8_t point[64], const uint8_t x[32]) {
    affine p;
    if (!lift(&p, x, NULL, NULL)) {
        return 0;
    }
    affine_to_bytes(point, &p);
    return 1;
}

static uint32_t finish(uint8_t point[64], const jacobian *sum) {
    affine result;
    if (field_is_zero(&sum->z)) {
        return 0;
    }
    jacobian_to_affine(&result, sum);
    affine_to_bytes(point, &result);
    return 1;
}

// s += t * unit, where unit times P is R. The caller makes sure that there is such a unit.
static void merge(scalar *s, scalar *t, const affine *p, const affine *r) {
    static const scalar one = {{1}};
    field x = p->x, difference;
    for (unsigned power = 0; power < 2; power++) {
        field_subtract(&difference, &x, &r->x);
        if (field_is_zero(&difference)) {
            break;
        }
        field_multiply(&x, &x, &beta);
        scalar_multiply_add(t, &zero, t, &scalar_lambda);
    }
    field_subtract(&difference, &p->y, &r->y);
    if (!field_is_zero(&difference)) {
        scalar_negate(t, t);
    }
    scalar_multiply_add(s, s, t, &one);
    *t = zero;
}

uint32_t verifier_combine(uint8_t point[64], scalar *s, const affine *first, scalar *t,
    const affine *second) {
    accumulator a;
    pair_table table;
    eisenstein uv[2];
    // If one point is a unit times the other, the sum needs one alone, and any other point serves.
    const affine *other = second;
    if (first == NULL) {
        first = generator_pairs;
    }
    for (size_t i = 0; !pair_table_make_variable(&table, first, other, NULL); i++) {
        if (i == 0) {
            merge(s, t, first, second);
        }
        other = &generator_pairs[i];
    }
    eisenstein_from_scalar(&uv[0], s);
    eisenstein_from_scalar(&uv[1], t);
    multiply(&a, &table, uv, WHOLE_BITS, NULL);
    field_multiply(&a.sum->z, &a.sum->z, &table.z);
    return finish(point, a.sum);
}

// Checks directly that s·G - e·Q is the point with x = r and even y.
static NEVER_INLINE uint32_t whole_equation(const affine *q, const uint8_t r[32], scalar *s,
    scalar *e) {
    uint8_t point[64], differences = 0;
    scalar_negate(e, e);
    if (!verifier_combine(point, s, NULL, e, q)) {
        return 0;
    }
    for (size_t i = 0; i < 32; i++) {
        differences |= point[i] ^ r[i];
    }
    return (differences | (point[63] & 1)) == 0;
}

// Checks that u·Q + v·R - v s·G is infinity, where u = v e.
static NEVER_INLINE uint32_t half_equation(const affine *q, const affine *r, const field *inverse,
    scalar *s, const scalar *e) {
    pair_table table;
    pair_table_make_variable(&table, q, r, inverse);
    eisenstein uv[2], w;
    scalar product;
    accumulator a;
    unsigned bits = eisenstein_half_size(uv, e);
    eisenstein_to_scalar(&product, &uv[1]);
    scalar_negate(s, s);
    scalar_multiply_add(&product, &zero, &product, s);
    eisenstein_from_scalar(&w, &product);
    multiply(&a, &table, uv, bits, &w);
    return field_is_zero(&a.sum->z);
}

uint32_t verifier_equation(const affine *q, const uint8_t r[32], const uint8_t s[32],
    const uint8_t e[32]) {
    scalar s_scalar, e_scalar;
    affine nonce_commitment;
    field inverse;
    if (!scalar_from_bytes(&s_scalar, s) || !lift(&nonce_commitment, r, q, &inverse)) {
        return 0;
    }
    scalar_from_bytes(&e_scalar, e);
    // If the nonce commitment is a unit times the key, the two have no pair table.
    if (field_is_zero(&inverse)) {
        return whole_equation(q, r, &s_scalar, &e_scalar);
    }
    return half_equation(q, &nonce_commitment, &inverse, &s_scalar, &e_scalar);
}
