// Entropy on a machine that has none: os.urandom fails until the caller injects a seed.
//
//     import emulated_entropy
//     emulated_entropy.inject(seed)     32 bytes or more, once; the caller vouches for them
//     emulated_entropy.injected()       whether that was done
//
// os.urandom then gives SHA-256 of the seed, forward only: as good as the seed and as repeatable.
// The presence of this module marks a board, and all that it makes, as emulated.

#include <string.h>

#include "lib/crypto-algorithms/sha256.h"
#include "py/runtime.h"

#define LEAST_SEED_BYTES 32
#define STATE_BYTES 32

static uint8_t state[STATE_BYTES];
static bool is_injected;

static void hash(uint8_t result[STATE_BYTES], const void *data, size_t bytes, uint8_t purpose) {
    CRYAL_SHA256_CTX context;
    sha256_init(&context);
    sha256_update(&context, &purpose, 1);
    sha256_update(&context, data, bytes);
    sha256_final(&context, result);
}

static mp_obj_t inject(mp_obj_t seed) {
    mp_buffer_info_t info;
    mp_get_buffer_raise(seed, &info, MP_BUFFER_READ);
    if (info.len < LEAST_SEED_BYTES) {
        mp_raise_ValueError(MP_ERROR_TEXT("a seed has 32 bytes or more"));
    }
    if (is_injected) {
        mp_raise_ValueError(MP_ERROR_TEXT("a seed was injected before"));
    }
    hash(state, info.buf, info.len, 0);
    is_injected = true;
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(inject_object, inject);

static mp_obj_t injected(void) {
    return mp_obj_new_bool(is_injected);
}
static MP_DEFINE_CONST_FUN_OBJ_0(injected_object, injected);

mp_obj_t emulated_urandom(mp_obj_t count) {
    mp_int_t bytes = mp_obj_get_int(count);
    if (bytes < 0) {
        mp_raise_ValueError(NULL);
    }
    if (!is_injected) {
        mp_raise_msg(&mp_type_OSError, MP_ERROR_TEXT("this board has no entropy"));
    }
    vstr_t result;
    vstr_init_len(&result, bytes);
    for (mp_int_t done = 0; done < bytes; done += STATE_BYTES) {
        uint8_t block[STATE_BYTES];
        hash(block, state, sizeof state, 1);
        hash(state, state, sizeof state, 2);
        memcpy(result.buf + done, block, MIN(bytes - done, STATE_BYTES));
    }
    return mp_obj_new_bytes_from_vstr(&result);
}

static const mp_rom_map_elem_t globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR_emulated_entropy) },
    { MP_ROM_QSTR(MP_QSTR_inject), MP_ROM_PTR(&inject_object) },
    { MP_ROM_QSTR(MP_QSTR_injected), MP_ROM_PTR(&injected_object) },
};
static MP_DEFINE_CONST_DICT(module_globals, globals_table);

const mp_obj_module_t emulated_entropy_module = {
    .base = { &mp_type_module },
    .globals = (mp_obj_dict_t *)&module_globals,
};
MP_REGISTER_MODULE(MP_QSTR_emulated_entropy, emulated_entropy_module);
