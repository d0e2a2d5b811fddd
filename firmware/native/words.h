// Words and their products, which the field, scalar and inverse arithmetic use.
//
// Every function takes the same time and touches the same addresses for all values of words.
// `count` and `bytes` are public. Numbers of several words have the lowest word first.

#ifndef COUNTERSIGN_WORDS_H
#define COUNTERSIGN_WORDS_H

#include <stddef.h>
#include <stdint.h>

// Returns: a * b, all 64 bits.
// In:  a, b.
//
// The Cortex-M3's UMULL ends early for small operands, which would reveal them, and the Cortex-M0+
// has no UMULL. So on ARM this makes a product of four 16-bit products with MULS, which takes one
// cycle whatever it multiplies (on the RP2040's M0+, and on every M3 and later).
static inline __attribute__((always_inline)) uint64_t wide_product(uint32_t a, uint32_t b) {
    #if defined(__arm__)
    uint32_t low, high, b_high, cross, b_low;
    __asm__ (
        "uxth %[low], %[a]\n\t"
        "lsrs %[high], %[a], #16\n\t"
        "lsrs %[b_high], %[b], #16\n\t"
        "uxth %[b_low], %[b]\n\t"
        "mov  %[cross], %[low]\n\t"
        "muls %[cross], %[b_high]\n\t"
        "muls %[low], %[b_low]\n\t"
        "muls %[b_low], %[high]\n\t"
        "muls %[high], %[b_high]\n\t"
        "lsls %[b_high], %[cross], #16\n\t"
        "lsrs %[cross], %[cross], #16\n\t"
        "adds %[low], %[b_high]\n\t"
        "adcs %[high], %[cross]\n\t"
        "lsls %[b_high], %[b_low], #16\n\t"
        "lsrs %[b_low], %[b_low], #16\n\t"
        "adds %[low], %[b_high]\n\t"
        "adcs %[high], %[b_low]\n\t"
        : [low] "=&l" (low), [high] "=&l" (high), [b_high] "=&l" (b_high),
        [cross] "=&l" (cross), [b_low] "=&l" (b_low)
        : [a] "l" (a), [b] "l" (b)
        : "cc");
    return (uint64_t)high << 32 | low;
    #elif defined(__XTENSA__)
    uint32_t high;
    __asm__ ("muluh %0, %1, %2" : "=a" (high) : "a" (a), "a" (b));
    return (uint64_t)high << 32 | a * b;
    #else
    return (uint64_t)a * b;
    #endif
}

// Returns: a + b modulo 2^64.
// In:  a, b.
//
// Xtensa has no carry flag. There GCC computes a carry with a branch, which a secret must not
// decide. So this computes the carry from the highest bits.
static inline __attribute__((always_inline)) uint64_t wide_sum(uint64_t a, uint64_t b) {
    #if defined(__XTENSA__)
    uint32_t a_low = (uint32_t)a, b_low = (uint32_t)b, low = a_low + b_low;
    uint32_t carry = ((a_low & b_low) | ((a_low | b_low) & ~low)) >> 31;
    return (uint64_t)((uint32_t)(a >> 32) + (uint32_t)(b >> 32) + carry) << 32 | low;
    #else
    return a + b;
    #endif
}

// Returns: a - b modulo 2^64.
// In:  a, b.
static inline __attribute__((always_inline)) uint64_t wide_difference(uint64_t a, uint64_t b) {
    #if defined(__XTENSA__)
    uint32_t a_low = (uint32_t)a, b_low = (uint32_t)b, low = a_low - b_low;
    uint32_t borrow = ((~a_low & b_low) | ((~a_low | b_low) & low)) >> 31;
    return (uint64_t)((uint32_t)(a >> 32) - (uint32_t)(b >> 32) - borrow) << 32 | low;
    #else
    return a - b;
    #endif
}

// Returns: a + b.
// In:  a, b: their sum fits.
static inline __attribute__((always_inline)) int64_t signed_sum(int64_t a, int64_t b) {
    #if defined(__XTENSA__)
    return (int64_t)wide_sum((uint64_t)a, (uint64_t)b);
    #else
    return a + b;
    #endif
}

// Returns: a * b. The upper halves of both are taken with their sign.
// In:  a, b.
static inline __attribute__((always_inline)) int64_t signed_product(int32_t a, int32_t b) {
    #if defined(__arm__)
    uint32_t low, b_high, cross, b_low;
    int32_t high;
    __asm__ (
        "uxth %[low], %[a]\n\t"
        "asrs %[high], %[a], #16\n\t"
        "asrs %[b_high], %[b], #16\n\t"
        "uxth %[b_low], %[b]\n\t"
        "mov  %[cross], %[low]\n\t"
        "muls %[cross], %[b_high]\n\t"
        "muls %[low], %[b_low]\n\t"
        "muls %[b_low], %[high]\n\t"
        "muls %[high], %[b_high]\n\t"
        "lsls %[b_high], %[cross], #16\n\t"
        "asrs %[cross], %[cross], #16\n\t"
        "adds %[low], %[b_high]\n\t"
        "adcs %[high], %[cross]\n\t"
        "lsls %[b_high], %[b_low], #16\n\t"
        "asrs %[b_low], %[b_low], #16\n\t"
        "adds %[low], %[b_high]\n\t"
        "adcs %[high], %[b_low]\n\t"
        : [low] "=&l" (low), [high] "=&l" (high), [b_high] "=&l" (b_high),
        [cross] "=&l" (cross), [b_low] "=&l" (b_low)
        : [a] "l" (a), [b] "l" (b)
        : "cc");
    return (int64_t)((uint64_t)(uint32_t)high << 32 | low);
    #elif defined(__XTENSA__)
    uint64_t product = wide_product((uint32_t)a, (uint32_t)b);
    uint32_t over = ((uint32_t)(a >> 31) & (uint32_t)b) + ((uint32_t)(b >> 31) & (uint32_t)a);
    return (int64_t)wide_difference(product, (uint64_t)over << 32);
    #else
    return (int64_t)a * b;
    #endif
}

// Returns: all ones if condition is 1, 0 if it is 0. The compiler cannot know that there are only
//          two values, so it does not turn the mask into a branch.
// In:  condition: 0 or 1.
static inline __attribute__((always_inline)) uint32_t mask_of(uint32_t condition) {
    uint32_t mask = 0u - condition;
    __asm__ ("" : "+r" (mask));
    return mask;
}

// Returns: 1 if word is 0, else 0.
// In:  word.
static inline __attribute__((always_inline)) uint32_t is_zero_word(uint32_t word) {
    return ((word | (0u - word)) >> 31) ^ 1u;
}

// Returns: the carry, 0 or 1.
// Out: result: a + b modulo 2^(32 count); may be a or b.
// In:  a, b: `count` words.
uint32_t words_add(uint32_t *result, const uint32_t *a, const uint32_t *b, size_t count);

// Returns: the borrow, 0 or 1.
// Out: result: a - b modulo 2^(32 count); may be a or b.
// In:  a, b: `count` words.
uint32_t words_subtract(uint32_t *result, const uint32_t *a, const uint32_t *b, size_t count);

// Out: result: a * b, a_count + b_count words, apart from both.
// In:  a: a_count words.
//      b: b_count words, at least 1.
void words_multiply(uint32_t *result, const uint32_t *a, size_t a_count, const uint32_t *b,
    size_t b_count);

// Choose without a branch.
// In/Out: result: a where mask is all ones, unchanged where it is 0.
// In:  a: `count` words.
//      mask: all ones or 0.
void words_select(uint32_t *result, const uint32_t *a, uint32_t mask, size_t count);

// Returns: 1 if all words are 0, else 0.
// In:  a: `count` words.
uint32_t words_are_zero(const uint32_t *a, size_t count);

// Out: result.
// In:  bytes: big-endian.
void words_from_bytes(uint32_t result[8], const uint8_t bytes[32]);

// Out: bytes: big-endian.
// In:  words.
void words_to_bytes(uint8_t bytes[32], const uint32_t words[8]);

// Overwrite with zeros, even if nothing reads the memory afterwards.
// Out: memory: aligned to a word.
// In:  bytes: a multiple of 4; a remainder is not overwritten.
void wipe(void *memory, size_t bytes);

// Overwrite the remains of returned calls on the stack below the caller's frame. This covers more
// than the deepest call of prover.c uses (words.c says how much).
void wipe_stack(void);

#endif
