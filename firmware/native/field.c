#include "field.h"
#include "words.h"

#define FOLD 977u // p = 2^256 - 2^32 - FOLD

const field field_one = {{1}};

// Add or subtract 2^32 + FOLD where mask is all ones: modulo p that is 2^256, a carry or borrow.
// Returns the carry or borrow that this makes in turn.
static uint32_t fold_up(field *a, uint32_t mask) {
    uint64_t sum = wide_sum(a->word[0], FOLD & mask);
    a->word[0] = (uint32_t)sum;
    sum = wide_sum(wide_sum(sum >> 32, a->word[1]), 1u & mask);
    a->word[1] = (uint32_t)sum;
    for (size_t i = 2; i < 8; i++) {
        sum = wide_sum(sum >> 32, a->word[i]);
        a->word[i] = (uint32_t)sum;
    }
    return (uint32_t)(sum >> 32);
}

#if !defined(COUNTERSIGN_FIELD_ASSEMBLY)

static uint32_t fold_down(field *a, uint32_t mask) {
    uint32_t down[8] = {FOLD & mask, 1u & mask};
    return words_subtract(a->word, a->word, down, 8);
}

// word * FOLD
static inline uint64_t folded(uint32_t word) {
    return wide_sum((word & 0xFFFFu) * FOLD, (uint64_t)((word >> 16) * FOLD) << 16);
}

// 512 bits to 256.
static void reduce(field *result, const uint32_t wide[16]) {
    // high * 2^256 = high * 2^32 + high * FOLD.
    uint64_t sum = 0;
    uint32_t previous = 0;
    for (size_t i = 0; i < 8; i++) {
        uint32_t high = wide[8 + i];
        // Below 2^64: three words, a product and a carry of 12 bits.
        sum = wide_sum(sum, folded(high));
        sum = wide_sum(sum, wide[i]);
        sum = wide_sum(sum, previous);
        result->word[i] = (uint32_t)sum;
        sum >>= 32;
        previous = high;
    }
    sum = wide_sum(sum, previous);
    // The overflow, below 2^34, is folded once more.
    uint32_t low = (uint32_t)sum, high = (uint32_t)(sum >> 32);
    sum = wide_sum(folded(low), result->word[0]);
    result->word[0] = (uint32_t)sum;
    sum = wide_sum(wide_sum(wide_sum(sum >> 32, result->word[1]), low), high * FOLD);
    result->word[1] = (uint32_t)sum;
    sum = wide_sum(wide_sum(sum >> 32, result->word[2]), high);
    result->word[2] = (uint32_t)sum;
    for (size_t i = 3; i < 8; i++) {
        sum = wide_sum(sum >> 32, result->word[i]);
        result->word[i] = (uint32_t)sum;
    }
    // A carry here leaves a value below 2^68, so the last fold cannot carry again.
    fold_up(result, mask_of((uint32_t)(sum >> 32)));
}

void field_multiply(field *result, const field *a, const field *b) {
    uint32_t wide[16];
    words_multiply(wide, a->word, 8, b->word, 8);
    reduce(result, wide);
}

void field_square(field *result, const field *a) {
    field_multiply(result, a, a);
}

void field_add(field *result, const field *a, const field *b) {
    uint32_t carry = words_add(result->word, a->word, b->word, 8);
    // Two values close to 2^256 carry twice; the second time what is left is small.
    carry = fold_up(result, mask_of(carry));
    fold_up(result, mask_of(carry));
}

void field_subtract(field *result, const field *a, const field *b) {
    uint32_t borrow = words_subtract(result->word, a->word, b->word, 8);
    borrow = fold_down(result, mask_of(borrow));
    fold_down(result, mask_of(borrow));
}

void field_halve(field *result, const field *a) {
    static const uint32_t p[8] = {
        0xFFFFFC2F, 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFF,
        0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF,
    };
    // An odd value becomes even by p, which is odd.
    uint32_t mask = mask_of(a->word[0] & 1);
    uint64_t sum = 0;
    uint32_t below = 0;
    for (size_t i = 0; i < 8; i++) {
        sum = wide_sum(sum, wide_sum(a->word[i], p[i] & mask));
        uint32_t word = (uint32_t)sum;
        sum >>= 32;
        if (i > 0) {
            result->word[i - 1] = below >> 1 | word << 31;
        }
        below = word;
    }
    result->word[7] = below >> 1 | (uint32_t)sum << 31;
}

#endif

void field_square_times(field *result, const field *a, unsigned times) {
    field_square(result, a);
    while (--times) {
        field_square(result, result);
    }
}

void field_multiply_small(field *result, const field *a, uint32_t small) {
    uint64_t sum = 0;
    for (size_t i = 0; i < 8; i++) {
        uint32_t word = a->word[i];
        sum = wide_sum(sum, (word & 0xFFFFu) * small);
        sum = wide_sum(sum, (uint64_t)((word >> 16) * small) << 16);
        result->word[i] = (uint32_t)sum;
        sum >>= 32;
    }
    uint32_t over = (uint32_t)sum;
    sum = wide_sum(result->word[0], over * FOLD);
    result->word[0] = (uint32_t)sum;
    sum = wide_sum(wide_sum(sum >> 32, result->word[1]), over);
    result->word[1] = (uint32_t)sum;
    for (size_t i = 2; i < 8; i++) {
        sum = wide_sum(sum >> 32, result->word[i]);
        result->word[i] = (uint32_t)sum;
    }
    fold_up(result, mask_of((uint32_t)(sum >> 32)));
}

void field_negate(field *result, const field *a) {
    static const field zero = {{0}};
    field_subtract(result, &zero, a);
}

void field_normalize(field *a) {
    field reduced = *a;
    // a + 2^32 + FOLD carries out of 2^256 exactly if a >= p, and then what is left is a - p.
    uint32_t carry = fold_up(&reduced, 0xFFFFFFFFu);
    field_select(a, &reduced, mask_of(carry));
}

uint32_t field_is_zero(const field *a) {
    field normal = *a;
    field_normalize(&normal);
    return words_are_zero(normal.word, 8);
}

void field_select(field *result, const field *a, uint32_t mask) {
    words_select(result->word, a->word, mask, 8);
}

uint32_t field_from_bytes(field *result, const uint8_t bytes[32]) {
    words_from_bytes(result->word, bytes);
    field reduced = *result;
    return fold_up(&reduced, 0xFFFFFFFFu) ^ 1u;
}

void field_to_bytes(uint8_t bytes[32], const field *normalized) {
    words_to_bytes(bytes, normalized->word);
}

uint32_t field_inverse_root_variable(field *result, const field *a) {
    // p = 3 mod 4. In binary the exponent is 223 ones, a zero, 22 ones, 00001 011. Each power is
    // the last one squared so many times, times an earlier one; xN is a to N ones.
    enum {A, X2, X3, X6, X9, X11, X22, X44, X88, X176, X220, X223, UP_TO_22, UP_TO_1, LAST};
    static const uint8_t chain[LAST][2] = {
        {1, A}, {1, A}, {3, X3}, {3, X3}, {2, X2}, {11, X11}, {22, X22}, {44, X44}, {88, X88},
        {44, X44}, {3, X3}, {23, X22}, {5, A}, {3, X2},
    };
    field power[LAST + 1], *last = power;
    power[A] = *a;
    for (size_t i = 0; i < LAST; i++) {
        field_square_times(last + 1, last, chain[i][0]);
        last++;
        field_multiply(last, last, &power[chain[i][1]]);
    }
    *result = *last;
    // Its square times a is a^((p - 1) / 2).
    field_square(last, last);
    field_multiply(last, last, a);
    field_subtract(last, last, &field_one);
    return field_is_zero(last);
}
