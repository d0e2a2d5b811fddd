#include "words.h"

// These sizes exceed what the deepest call below a prover's outermost function uses (800 bytes on
// the Cortex-M0+). tests/native looks for remains on every architecture.
#if defined(__arm__)
#define STACK_TO_WIPE_BYTES 1024
#else
#define STACK_TO_WIPE_BYTES 3072
#endif

uint32_t words_add(uint32_t *result, const uint32_t *a, const uint32_t *b, size_t count) {
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum = wide_sum(sum, wide_sum(a[i], b[i]));
        result[i] = (uint32_t)sum;
        sum >>= 32;
    }
    return (uint32_t)sum;
}

uint32_t words_subtract(uint32_t *result, const uint32_t *a, const uint32_t *b, size_t count) {
    uint32_t borrow = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t difference = wide_difference(wide_difference(a[i], b[i]), borrow);
        result[i] = (uint32_t)difference;
        borrow = (uint32_t)(difference >> 32) & 1;
    }
    return borrow;
}

#if defined(__arm__)
// result += a * b for one word a, from the lowest word. Returns the carry. As in wide_product, only
// MULS multiplies. MULS, MOVS and UXTH leave the carry flag as it is.
static uint32_t multiply_row(uint32_t *result, uint32_t a, const uint32_t *b, size_t count) {
    uint32_t a_low = a & 0xFFFFu, a_high = a >> 16, low, high, second;
    const uint32_t *first = b + count;
    // r9 holds the end of b, r8 the carry.
    __asm__ volatile (
        "mov r9, %[first]\n\t"
        "movs %[low], #0\n\t"
        "mov r8, %[low]\n"
        "1:\n\t"
        "ldmia %[b]!, {%[high]}\n\t"
        "uxth %[low], %[high]\n\t"
        "lsrs %[high], %[high], #16\n\t"
        "movs %[first], %[low]\n\t"
        "movs %[second], %[high]\n\t"
        "muls %[first], %[a_high]\n\t"
        "muls %[second], %[a_low]\n\t"
        "muls %[low], %[a_low]\n\t"
        "muls %[high], %[a_high]\n\t"
        "adds %[first], %[second]\n\t" // 33 bits; the highest stands for 2^48
        "movs %[second], #0\n\t"
        "adcs %[second], %[second]\n\t"
        "lsls %[second], %[second], #16\n\t"
        "adds %[high], %[second]\n\t"
        "lsrs %[second], %[first], #16\n\t"
        "lsls %[first], %[first], #16\n\t"
        "adds %[low], %[first]\n\t"
        "adcs %[high], %[second]\n\t"
        "movs %[second], #0\n\t"
        "mov %[first], r8\n\t"
        "adds %[low], %[first]\n\t"
        "adcs %[high], %[second]\n\t"
        "ldr %[first], [%[result]]\n\t"
        "adds %[low], %[first]\n\t"
        "adcs %[high], %[second]\n\t"
        "stmia %[result]!, {%[low]}\n\t"
        "mov r8, %[high]\n\t"
        "cmp %[b], r9\n\t"
        "bne 1b"
        : [result] "+l" (result), [b] "+l" (b), [first] "+l" (first), [low] "=&l" (low),
        [high] "=&l" (high), [second] "=&l" (second)
        : [a_low] "l" (a_low), [a_high] "l" (a_high)
        : "r8", "r9", "cc", "memory");
    return high;
}
#else
static uint32_t multiply_row(uint32_t *result, uint32_t a, const uint32_t *b, size_t count) {
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum = wide_sum(sum, wide_product(a, b[i]));
        sum = wide_sum(sum, result[i]);
        result[i] = (uint32_t)sum;
        sum >>= 32;
    }
    return (uint32_t)sum;
}
#endif

void words_multiply(uint32_t *result, const uint32_t *a, size_t a_count, const uint32_t *b,
    size_t b_count) {
    for (size_t i = 0; i < b_count; i++) {
        result[i] = 0;
    }
    for (size_t i = 0; i < a_count; i++) {
        result[i + b_count] = multiply_row(result + i, a[i], b, b_count);
    }
}

void words_select(uint32_t *result, const uint32_t *a, uint32_t mask, size_t count) {
    for (size_t i = 0; i < count; i++) {
        result[i] ^= (result[i] ^ a[i]) & mask;
    }
}

uint32_t words_are_zero(const uint32_t *a, size_t count) {
    uint32_t any = 0;
    for (size_t i = 0; i < count; i++) {
        any |= a[i];
    }
    return is_zero_word(any);
}

void words_from_bytes(uint32_t result[8], const uint8_t bytes[32]) {
    for (size_t i = 0; i < 8; i++) {
        const uint8_t *from = bytes + 28 - 4 * i;
        result[i] = (uint32_t)from[0] << 24 | (uint32_t)from[1] << 16 | (uint32_t)from[2] << 8
            | from[3];
    }
}

void words_to_bytes(uint8_t bytes[32], const uint32_t words[8]) {
    for (size_t i = 0; i < 8; i++) {
        uint8_t *to = bytes + 28 - 4 * i;
        to[0] = (uint8_t)(words[i] >> 24);
        to[1] = (uint8_t)(words[i] >> 16);
        to[2] = (uint8_t)(words[i] >> 8);
        to[3] = (uint8_t)words[i];
    }
}

void wipe(void *memory, size_t bytes) {
    volatile uint32_t *word = memory;
    for (bytes >>= 2; bytes > 0; bytes--) {
        *word++ = 0;
    }
}

__attribute__((noinline)) void wipe_stack(void) {
    uint32_t remains[STACK_TO_WIPE_BYTES / 4];
    wipe(remains, sizeof remains);
}
