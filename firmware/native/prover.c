// Both multiplications write the scalar with the digits +1 and -1 only. An odd number below 2^N is
// the sum of ±2^i over all i below N, where bit i of (number + 2^N - 1) / 2 decides the sign of
// 2^i. The code replaces an even k by n - k and negates the result. So no digit is 0, no addition
// is ever skipped, and the accumulator is never infinity.
//
// All additions but the last ones use the incomplete Jacobian formula, which is wrong for equal or
// opposite summands. It never meets them. As integers, exactly one of the two summands is odd. (The
// first entry added at each position holds the lowest tooth, of value ±1, and the accumulator was
// just doubled. The other entries are even, and the accumulator holds that tooth.) And while a
// position is left, their sum is below 2^255 + 2^250 < n in magnitude, so they are not congruent
// modulo n either. At the last position that bound fails for a few scalars, so the code uses the
// complete formula there.

#include "prover.h"
#include "scalar.h"
#include "tables.h"
#include "words.h"

// The compiler may keep copies of secrets anywhere in a frame. So a function that holds secrets has
// a frame of its own, below the frame of the function that wipes.
#define NEVER_INLINE __attribute__((noinline))

// All secrets of a multiplication, in one place so that they can be wiped.
typedef struct {
    scalar k, other;
    uint32_t negated;
    uint32_t digits[9]; // bit i: 2^i is added, else subtracted
    affine entry;
    jacobian sum[2]; // an addition's result is not its operand, so they take turns
    unsigned at; // which is the sum
    projective last;
    affine result;
} multiplication;

static uint32_t digit_bit(const multiplication *m, unsigned position) {
    return m->digits[position >> 5] >> (position & 31) & 1;
}

// BELOW_N: a k that is not below n is an error. ANY_DIGEST: k is taken mod n.
#define BELOW_N 0
#define ANY_DIGEST 1

// Read k. Returns 1 if k is in [1, n): before the reduction with BELOW_N, after it with ANY_DIGEST.
static uint32_t start(multiplication *m, const uint8_t k[32], uint32_t any, unsigned digit_count) {
    uint32_t valid = scalar_from_bytes(&m->k, k) | any;
    valid &= scalar_is_zero(&m->k) ^ 1u;
    m->negated = scalar_make_odd(&m->k);
    // (number + 2^count - 1) / 2 for an odd number.
    for (unsigned i = 0; i < 8; i++) {
        uint32_t above = i < 7 ? m->k.word[i + 1] : 0;
        m->digits[i] = m->k.word[i] >> 1 | above << 31;
    }
    m->digits[8] = 0;
    m->digits[(digit_count - 1) >> 5] |= 1u << ((digit_count - 1) & 31);
    return valid;
}

// The entry for `bits`. The table holds the entries with the highest digit +1; the others are their
// negatives.
static void look_up(multiplication *m, const affine *table, uint32_t count, uint32_t bits) {
    uint32_t mirrored = mask_of(is_zero_word(bits & count));
    affine_scan(&m->entry, table, count, (bits ^ mirrored) & (count - 1));
    affine_negate_where(&m->entry, mirrored);
}

// x, y and z = 1, which serve as Jacobian and as projective coordinates.
static NEVER_INLINE void with_unit_z(field *x, field *y, field *z, const affine *a) {
    *x = a->x;
    *y = a->y;
    *z = field_one;
}

static void begin(multiplication *m) {
    with_unit_z(&m->sum[0].x, &m->sum[0].y, &m->sum[0].z, &m->entry);
    m->at = 0;
}

static void add(multiplication *m) {
    const jacobian *sum = &m->sum[m->at];
    m->at ^= 1;
    jacobian_add(&m->sum[m->at], sum, &m->entry, &sum->z);
}

static void twice(multiplication *m) {
    jacobian *sum = &m->sum[m->at];
    jacobian_double(sum, sum);
}

// The result, zeros if the scalar was not valid.
static void finish(multiplication *m, uint32_t valid) {
    projective_to_affine(&m->result, &m->last);
    affine_negate_where(&m->result, mask_of(m->negated));
    field_normalize(&m->result.y);
    uint32_t keep = mask_of(valid);
    for (unsigned i = 0; i < 8; i++) {
        m->result.x.word[i] &= keep;
        m->result.y.word[i] &= keep;
    }
}

// Comb: tooth t of block b is 2^((b * TEETH + t) * SPACING). All teeth move down together.
static uint32_t comb_bits(const multiplication *m, unsigned block, unsigned position) {
    uint32_t bits = 0;
    for (unsigned tooth = 0; tooth < COMB_TEETH; tooth++) {
        bits |= digit_bit(m, (block * COMB_TEETH + tooth) * COMB_SPACING + position) << tooth;
    }
    return bits;
}

static NEVER_INLINE uint32_t generate(multiplication *m, const uint8_t k[32], uint32_t any) {
    uint32_t valid = start(m, k, any, COMB_BLOCKS * COMB_TEETH * COMB_SPACING);
    for (unsigned position = COMB_SPACING; position-- > 0;) {
        if (position < COMB_SPACING - 1) {
            twice(m);
        }
        if (position == 0) {
            jacobian_to_projective(&m->last, &m->sum[m->at]);
        }
        for (unsigned block = 0; block < COMB_BLOCKS; block++) {
            look_up(m, comb[block], COMB_ENTRIES, comb_bits(m, block, position));
            if (position == 0) {
                projective_add(&m->last, &m->last, &m->entry);
            } else if (position == COMB_SPACING - 1 && block == 0) {
                begin(m);
            } else {
                add(m);
            }
        }
    }
    finish(m, valid);
    return valid;
}

// Windows of four digits: 2 * bits - 15 times the point.
#define WINDOW_BITS 4
#define WINDOWS (256 / WINDOW_BITS)

// Gives k the sign whose multiple of G has an even y.
static NEVER_INLINE void make_even(multiplication *m, uint8_t k[32]) {
    scalar_negate(&m->other, &m->k);
    words_select(m->k.word, m->other.word, mask_of(m->negated ^ (m->result.y.word[0] & 1)), 8);
    scalar_to_bytes(k, &m->k);
}

static NEVER_INLINE uint32_t linear(multiplication *m, const uint8_t k[32],
    const point_table *table) {
    uint32_t valid = start(m, k, BELOW_N, 256);
    for (unsigned window = WINDOWS; window-- > 0;) {
        uint32_t bits = m->digits[window / 8] >> (window % 8 * WINDOW_BITS) & 15;
        if (window < WINDOWS - 1) {
            for (unsigned i = 0; i < WINDOW_BITS; i++) {
                twice(m);
            }
        }
        look_up(m, table->point, ODD_MULTIPLES, bits);
        if (window == WINDOWS - 1) {
            begin(m);
        } else if (window > 0) {
            add(m);
        } else {
            jacobian_to_projective(&m->last, &m->sum[m->at]);
            projective_add(&m->last, &m->last, &m->entry);
        }
    }
    finish(m, valid);
    return valid;
}

uint32_t prover_generate(uint8_t point[64], const uint8_t k[32]) {
    multiplication m;
    uint32_t valid = generate(&m, k, BELOW_N);
    affine_to_bytes(point, &m.result);
    wipe(&m, sizeof m);
    wipe_stack();
    return valid;
}

uint32_t prover_commit(uint8_t x[32], uint8_t k[32]) {
    multiplication m;
    uint32_t valid = generate(&m, k, ANY_DIGEST);
    field_to_bytes(x, &m.result.x);
    make_even(&m, k);
    wipe(&m, sizeof m);
    wipe_stack();
    return valid;
}

uint32_t prover_linear(uint8_t point[64], const uint8_t k[32], const affine *q) {
    point_table table;
    point_table_make(&table, q);
    point_table_scale(&table);
    multiplication m;
    uint32_t valid = linear(&m, k, &table);
    affine_to_bytes(point, &m.result);
    wipe(&m, sizeof m);
    // The table is public, but without it the tests can require that the stack holds no remains.
    wipe(&table, sizeof table);
    wipe_stack();
    return valid;
}

typedef struct {
    projective sum;
    affine result;
} addition;

// The complete formula treats equal, opposite and all other summands in the same way.
static NEVER_INLINE uint32_t sum_up(addition *a, uint8_t point[64], const affine *first,
    const affine *second) {
    with_unit_z(&a->sum.x, &a->sum.y, &a->sum.z, first);
    projective_add(&a->sum, &a->sum, second);
    projective_to_affine(&a->result, &a->sum);
    affine_to_bytes(point, &a->result);
    return field_is_zero(&a->sum.z) ^ 1u;
}

uint32_t prover_add(uint8_t point[64], const affine *first, const affine *second) {
    addition a;
    uint32_t finite = sum_up(&a, point, first, second);
    wipe(&a, sizeof a);
    wipe_stack();
    return finite;
}

typedef struct {
    scalar k, e, d;
} response;

static NEVER_INLINE uint32_t respond(response *s, uint8_t response_scalar[32], const uint8_t k[32],
    const uint8_t e[32], const uint8_t d[32]) {
    uint32_t valid = scalar_from_bytes(&s->k, k) & scalar_from_bytes(&s->d, d);
    valid &= (scalar_is_zero(&s->k) | scalar_is_zero(&s->d)) ^ 1u;
    scalar_from_bytes(&s->e, e);
    scalar_multiply_add(&s->k, &s->k, &s->e, &s->d);
    uint32_t keep = mask_of(valid);
    for (unsigned i = 0; i < 8; i++) {
        s->k.word[i] &= keep;
    }
    scalar_to_bytes(response_scalar, &s->k);
    return valid;
}

uint32_t prover_respond(uint8_t response_scalar[32], const uint8_t k[32], const uint8_t e[32],
    const uint8_t d[32]) {
    response s;
    uint32_t valid = respond(&s, response_scalar, k, e, d);
    wipe(&s, sizeof s);
    wipe_stack();
    return valid;
}
