// The functions that an RP2040 image calls in its boot ROM, written anew from the datasheet
// (2.8.3), so that an image runs in the emulator without Raspberry Pi's own ROM. The results are
// the same. The cycles spent in here are not, and every quotation of cycles says so.
//
// It has only the functions that pico-sdk 2.1 and MicroPython's rp2 port call. Every other function
// stops the emulator by its name (trap_missing) and computes nothing plausible.

#include <stddef.h>
#include <stdint.h>

// ---- finding functions -------------------------------------------------------------------------

// A table holds 16-bit pairs, each a code of two letters and an address. A zero code ends it.
void *lookup(const uint16_t *table, uint32_t code) {
    for (; table[0] != 0; table += 2) {
        if (table[0] == code) {
            return (void *)(uintptr_t)table[1];
        }
    }
    return NULL;
}

void nothing(void) {
}

// ---- bits --------------------------------------------------------------------------------------

uint32_t popcount32(uint32_t value) {
    uint32_t count = 0;
    for (; value != 0; value &= value - 1) {
        count++;
    }
    return count;
}

uint32_t reverse32(uint32_t value) {
    uint32_t result = 0;
    for (int i = 0; i < 32; i++, value >>= 1) {
        result = result << 1 | (value & 1);
    }
    return result;
}

uint32_t clz32(uint32_t value) {
    uint32_t count = 32;
    for (; value != 0; value >>= 1) {
        count--;
    }
    return count;
}

uint32_t ctz32(uint32_t value) {
    return value == 0 ? 32 : 31 - clz32(value & -value);
}

// ---- memory ------------------------------------------------------------------------------------

uint8_t *fill(uint8_t *target, uint8_t value, size_t count) {
    uint8_t *at = target;
    for (; count != 0 && ((uintptr_t)at & 3) != 0; count--) {
        *at++ = value;
    }
    uint32_t word = value * 0x01010101u;
    for (; count >= 16; count -= 16, at += 16) {
        ((uint32_t *)at)[0] = word;
        ((uint32_t *)at)[1] = word;
        ((uint32_t *)at)[2] = word;
        ((uint32_t *)at)[3] = word;
    }
    for (; count != 0; count--) {
        *at++ = value;
    }
    return target;
}

uint8_t *copy(uint8_t *target, const uint8_t *source, size_t count) {
    uint8_t *at = target;
    if ((((uintptr_t)at ^ (uintptr_t)source) & 3) == 0) {
        for (; count != 0 && ((uintptr_t)at & 3) != 0; count--) {
            *at++ = *source++;
        }
        for (; count >= 16; count -= 16, at += 16, source += 16) {
            uint32_t a = ((const uint32_t *)source)[0], b = ((const uint32_t *)source)[1];
            uint32_t c = ((const uint32_t *)source)[2], d = ((const uint32_t *)source)[3];
            ((uint32_t *)at)[0] = a;
            ((uint32_t *)at)[1] = b;
            ((uint32_t *)at)[2] = c;
            ((uint32_t *)at)[3] = d;
        }
    }
    for (; count != 0; count--) {
        *at++ = *source++;
    }
    return target;
}

// ---- floating point: the compiler's own, behind the ROM's table ----------------------------------

static float from_bits(uint32_t bits) {
    union { uint32_t bits; float value; } both = { .bits = bits };
    return both.value;
}

static uint32_t to_bits(float value) {
    union { float value; uint32_t bits; } both = { .value = value };
    return both.bits;
}

float float_add(float a, float b) {
    return a + b;
}

float float_subtract(float a, float b) {
    return a - b;
}

float float_multiply(float a, float b) {
    return a * b;
}

float float_divide(float a, float b) {
    return a / b;
}

int float_compare(float a, float b) {
    return a < b ? -1 : a > b ? 1 : 0;
}

// Newton's method from a first guess that halves the exponent. Four steps settle all bits but the
// last.
float float_square_root(float value) {
    if (value == 0 || to_bits(value) == 0x7f800000) {
        return value;
    }
    if (!(value > 0)) {
        return from_bits(0x7fc00000);
    }
    float root = from_bits((to_bits(value) >> 1) + 0x1fbd1df5);
    for (int i = 0; i < 4; i++) {
        root = 0.5f * (root + value / root);
    }
    return root;
}

// The ROM's conversion to an integer rounds down and is limited to the type's range.
int32_t float_to_int(float value) {
    if (value >= 2147483648.0f) {
        return INT32_MAX;
    }
    if (value < -2147483648.0f) {
        return INT32_MIN;
    }
    int32_t result = (int32_t)value;
    return (float)result > value ? result - 1 : result;
}

uint32_t float_to_uint(float value) {
    return value <= 0 ? 0 : value >= 4294967296.0f ? UINT32_MAX : (uint32_t)value;
}

int64_t float_to_int64(float value) {
    if (value >= 9223372036854775808.0f) {
        return INT64_MAX;
    }
    if (value < -9223372036854775808.0f) {
        return INT64_MIN;
    }
    int64_t result = (int64_t)value;
    return (float)result > value ? result - 1 : result;
}

uint64_t float_to_uint64(float value) {
    return value <= 0 ? 0 : value >= 18446744073709551616.0f ? UINT64_MAX : (uint64_t)value;
}

float int_to_float(int32_t value) {
    return (float)value;
}

float uint_to_float(uint32_t value) {
    return (float)value;
}

float int64_to_float(int64_t value) {
    return (float)value;
}

float uint64_to_float(uint64_t value) {
    return (float)value;
}

double float_to_double(float value) {
    return (double)value;
}
