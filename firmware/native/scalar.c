#include "scalar.h"
#include "words.h"

static const uint32_t n[8] = {
    0xD0364141, 0xBFD25E8C, 0xAF48A03B, 0xBAAEDCE6,
    0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF,
};
// 2^256 - n
#define FOLD_WORDS 5
static const uint32_t fold[FOLD_WORDS] = {
    0x2FC9BEBF, 0x402DA173, 0x50B75FC4, 0x45512319, 1,
};

// Subtract n from carry * 2^256 + a where that is not below n. Returns 1 if it was.
static uint32_t subtract_order(uint32_t a[8], uint32_t carry) {
    uint32_t reduced[8];
    uint32_t borrow = words_subtract(reduced, a, n, 8);
    uint32_t below = borrow & (carry ^ 1u);
    words_select(a, reduced, mask_of(below ^ 1u), 8);
    return below;
}

// result += high * (2^256 - n); result has `count` words and room for the carry.
static void fold_in(uint32_t *result, size_t count, const uint32_t *high, size_t high_count) {
    uint32_t product[8 + FOLD_WORDS + 1] = {0};
    words_multiply(product, high, high_count, fold, FOLD_WORDS);
    words_add(result, result, product, count);
}

uint32_t scalar_from_bytes(scalar *result, const uint8_t bytes[32]) {
    words_from_bytes(result->word, bytes);
    return subtract_order(result->word, 0);
}

void scalar_to_bytes(uint8_t bytes[32], const scalar *a) {
    words_to_bytes(bytes, a->word);
}

uint32_t scalar_is_zero(const scalar *a) {
    return words_are_zero(a->word, 8);
}

void scalar_negate(scalar *result, const scalar *a) {
    uint32_t mask = mask_of(scalar_is_zero(a) ^ 1u);
    words_subtract(result->word, n, a->word, 8);
    for (size_t i = 0; i < 8; i++) {
        result->word[i] &= mask;
    }
}

void scalar_multiply_add(scalar *result, const scalar *a, const scalar *b, const scalar *c) {
    uint32_t wide[16], sum[14] = {0}, last[11] = {0};
    words_multiply(wide, b->word, 8, c->word, 8);
    // b * c + a is still below 2^512.
    uint32_t addend[16] = {0};
    words_select(addend, a->word, 0xFFFFFFFFu, 8);
    words_add(wide, wide, addend, 16);
    // 512 bits to 386, to 260, to 257.
    words_select(sum, wide, 0xFFFFFFFFu, 8);
    fold_in(sum, 14, wide + 8, 8);
    words_select(last, sum, 0xFFFFFFFFu, 8);
    fold_in(last, 11, sum + 8, 6);
    uint32_t high = last[8], end[9] = {0};
    words_select(end, last, 0xFFFFFFFFu, 8);
    fold_in(end, 9, &high, 1);
    subtract_order(end, end[8]);
    words_select(result->word, end, 0xFFFFFFFFu, 8);
}

uint32_t scalar_make_odd(scalar *a) {
    scalar negated;
    words_subtract(negated.word, n, a->word, 8);
    uint32_t even = (a->word[0] & 1) ^ 1u;
    words_select(a->word, negated.word, mask_of(even), 8);
    return even;
}

// Take the magnitude of a 10-word two's complement value.
static void signed_half(half_scalar *result, uint32_t value[10]) {
    uint32_t negated[10], zero[10] = {0};
    result->negative = value[9] >> 31;
    words_subtract(negated, zero, value, 10);
    words_select(value, negated, mask_of(result->negative), 10);
    for (size_t i = 0; i < 5; i++) {
        result->word[i] = value[i];
    }
}

// round(a * factor / 2^384), factor being a lattice constant times 2^384 / n.
static void scaled(uint32_t result[5], const scalar *a, const uint32_t factor[8]) {
    uint32_t product[16];
    words_multiply(product, a->word, 8, factor, 8);
    uint64_t carry = product[11] >> 31;
    for (size_t i = 0; i < 4; i++) {
        carry = wide_sum(carry, product[12 + i]);
        result[i] = (uint32_t)carry;
        carry >>= 32;
    }
    result[4] = (uint32_t)carry;
}

void scalar_split(half_scalar *low, half_scalar *high, const scalar *a) {
    // (a1, -b1) and (a2, a1) are short vectors of the lattice {(x, y): x + y * lambda = 0 mod n};
    // g1, g2 are round(2^384 * a1 / n) and round(2^384 * b1 / n).
    static const uint32_t g1[8] = {
        0x45DBB031, 0xE893209A, 0x71E8CA7F, 0x3DAA8A14,
        0x9284EB15, 0xE86C90E4, 0xA7D46BCD, 0x3086D221,
    };
    static const uint32_t g2[8] = {
        0x8AC47F71, 0x1571B4AE, 0x9DF506C6, 0x221208AC,
        0x0ABFE4C4, 0x6F547FA9, 0x010E8828, 0xE4437ED6,
    };
    static const uint32_t a1[5] = {0x9284EB15, 0xE86C90E4, 0xA7D46BCD, 0x3086D221, 0};
    static const uint32_t b1[5] = {0x0ABFE4C3, 0x6F547FA9, 0x010E8828, 0xE4437ED6, 0};
    static const uint32_t a2[5] = {0x9D44CFD8, 0x57C1108D, 0xA8E2F3F6, 0x14CA50F7, 1};
    uint32_t c1[5], c2[5], first[10], second[10], value[10] = {0};
    scaled(c1, a, g1);
    scaled(c2, a, g2);

    // low = a - c1 * a1 - c2 * a2
    words_select(value, a->word, 0xFFFFFFFFu, 8);
    words_multiply(first, c1, 5, a1, 5);
    words_multiply(second, c2, 5, a2, 5);
    words_subtract(value, value, first, 10);
    words_subtract(value, value, second, 10);
    signed_half(low, value);

    // high = c1 * b1 - c2 * a1
    words_multiply(first, c1, 5, b1, 5);
    words_multiply(second, c2, 5, a1, 5);
    words_subtract(value, first, second, 10);
    signed_half(high, value);
}
