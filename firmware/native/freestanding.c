// The functions that compiled code calls implicitly, because a native module links no C library.

#include <stddef.h>
#include <stdint.h>

void *memcpy(void *to, const void *from, size_t bytes) {
    uint8_t *t = to;
    const uint8_t *f = from;
    if ((((uintptr_t)t | (uintptr_t)f | bytes) & 3) == 0) {
        uint32_t *to_word = to;
        const uint32_t *from_word = from;
        for (bytes >>= 2; bytes > 0; bytes--) {
            *to_word++ = *from_word++;
        }
        return to;
    }
    while (bytes--) {
        *t++ = *f++;
    }
    return to;
}

void *memset(void *to, int value, size_t bytes) {
    uint8_t *t = to;
    while (bytes--) {
        *t++ = (uint8_t)value;
    }
    return to;
}
