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

const scalar scalar_lambda = {{
    0x1B23BD72, 0xDF02967C, 0x20816678, 0x122E22EA, 0x8812645A, 0xA5261C02, 0xC05C30E0, 0x5363AD4C,
}};

// Subtract n from carry * 2^256 + a if that is not below n. Returns 1 if it was below n.
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

void scalar_from_signed(scalar *result, const uint32_t *words, size_t count) {
    uint32_t sign = mask_of(words[count - 1] >> 31);
    for (size_t i = 0; i < 8; i++) {
        result->word[i] = i < count ? words[i] : sign;
    }
    uint32_t order[8] = {0};
    words_select(order, n, sign, 8);
    words_add(result->word, result->word, order, 8);
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
    // The steps reduce 512 bits to 386, to 260, to 257.
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
