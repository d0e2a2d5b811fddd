// The MicroPython module countersign_native: arguments and results are bytes, see README.md.
//
// This file checks lengths, ranges and types, and copies all input into aligned words, so that no
// pointer into a caller's buffer outlives its check.

// The same source makes the loadable module and the one that is part of an image (builtin.c).
#if MICROPY_ENABLE_DYNRUNTIME
#include "py/dynruntime.h"
#else
#include "py/runtime.h"
#endif

#include "prover.h"
#include "verifier.h"
#include "words.h"

#define VERSION 1

static mp_buffer_info_t buffer(mp_obj_t object, mp_uint_t access) {
    // A str has a buffer too, but a caller that passes one made a mistake.
    if (mp_obj_is_qstr(object) || mp_obj_get_type(object) == &mp_type_str) {
        mp_raise_TypeError(MP_ERROR_TEXT("bytes wanted"));
    }
    mp_buffer_info_t info;
    mp_get_buffer_raise(object, &info, access);
    return info;
}

static uint8_t *accessible(mp_obj_t object, size_t bytes, mp_uint_t access) {
    mp_buffer_info_t info = buffer(object, access);
    if (info.len != bytes) {
        mp_raise_ValueError(MP_ERROR_TEXT("wrong length"));
    }
    return info.buf;
}

static const uint8_t *exactly(mp_obj_t object, size_t bytes) {
    return accessible(object, bytes, MP_BUFFER_READ);
}

static void out_of_range(void) {
    mp_raise_ValueError(MP_ERROR_TEXT("scalar out of range"));
}

static void public_scalar(scalar *result, mp_obj_t object) {
    if (!scalar_from_bytes(result, exactly(object, 32))) {
        out_of_range();
    }
}

static void public_point(affine *result, mp_obj_t object) {
    if (!affine_from_bytes_variable(result, exactly(object, 64))) {
        mp_raise_ValueError(MP_ERROR_TEXT("not on the curve"));
    }
}

static mp_obj_t generate(mp_obj_t k) {
    uint8_t point[64];
    if (!prover_generate(point, exactly(k, 32))) {
        out_of_range();
    }
    return mp_obj_new_bytes(point, 64);
}
static MP_DEFINE_CONST_FUN_OBJ_1(generate_object, generate);

static mp_obj_t commit(mp_obj_t k) {
    uint8_t x[32];
    if (!prover_commit(x, accessible(k, 32, MP_BUFFER_RW))) {
        out_of_range();
    }
    return mp_obj_new_bytes(x, 32);
}
static MP_DEFINE_CONST_FUN_OBJ_1(commit_object, commit);

static mp_obj_t xor(mp_obj_t into, mp_obj_t other) {
    uint8_t *to = accessible(into, 32, MP_BUFFER_RW);
    const uint8_t *from = exactly(other, 32);
    for (size_t i = 0; i < 32; i++) {
        to[i] ^= from[i];
    }
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_2(xor_object, xor);

static mp_obj_t respond(mp_obj_t k, mp_obj_t e, mp_obj_t d) {
    uint8_t response_scalar[32];
    // Separate statements fix the order: C may evaluate arguments in any order, and each may raise.
    const uint8_t *k_bytes = exactly(k, 32);
    const uint8_t *e_bytes = exactly(e, 32);
    const uint8_t *d_bytes = exactly(d, 32);
    if (!prover_respond(response_scalar, k_bytes, e_bytes, d_bytes)) {
        out_of_range();
    }
    return mp_obj_new_bytes(response_scalar, 32);
}
static MP_DEFINE_CONST_FUN_OBJ_3(respond_object, respond);

static mp_obj_t linear(mp_obj_t k, mp_obj_t point) {
    affine q;
    uint8_t result[64];
    public_point(&q, point);
    if (!prover_linear(result, exactly(k, 32), &q)) {
        out_of_range();
    }
    return mp_obj_new_bytes(result, 64);
}
static MP_DEFINE_CONST_FUN_OBJ_2(linear_object, linear);

static mp_obj_t lift_x(mp_obj_t x) {
    uint8_t point[64];
    return verifier_lift_x(point, exactly(x, 32)) ? mp_obj_new_bytes(point, 64) : mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(lift_x_object, lift_x);

static mp_obj_t prepare(mp_obj_t point) {
    affine q;
    public_point(&q, point);
    return mp_obj_new_bytes(exactly(point, 64), 64);
}
static MP_DEFINE_CONST_FUN_OBJ_1(prepare_object, prepare);

// first: MP_OBJ_NULL for G.
static mp_obj_t sum_of_multiples(mp_obj_t s, mp_obj_t first, mp_obj_t t, mp_obj_t second) {
    scalar s_scalar, t_scalar;
    affine p, q;
    uint8_t result[64];
    public_scalar(&s_scalar, s);
    public_scalar(&t_scalar, t);
    if (first != MP_OBJ_NULL) {
        public_point(&p, first);
    }
    public_point(&q, second);
    return verifier_combine(result, &s_scalar, first == MP_OBJ_NULL ? NULL : &p, &t_scalar, &q)
        ? mp_obj_new_bytes(result, 64) : mp_const_none;
}

static mp_obj_t multiply_add(mp_obj_t s, mp_obj_t t, mp_obj_t point) {
    return sum_of_multiples(s, MP_OBJ_NULL, t, point);
}
static MP_DEFINE_CONST_FUN_OBJ_3(multiply_add_object, multiply_add);

static mp_obj_t combine(size_t count, const mp_obj_t *arguments) {
    (void)count;
    return sum_of_multiples(arguments[0], arguments[1], arguments[2], arguments[3]);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(combine_object, 4, 4, combine);

static mp_obj_t add(mp_obj_t first, mp_obj_t second) {
    affine summand[2];
    uint8_t result[64];
    public_point(&summand[0], first);
    public_point(&summand[1], second);
    uint32_t finite = prover_add(result, &summand[0], &summand[1]);
    wipe(summand, sizeof summand);
    return finite ? mp_obj_new_bytes(result, 64) : mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_2(add_object, add);

static mp_obj_t verify_equation(size_t count, const mp_obj_t *arguments) {
    (void)count;
    const uint8_t *r = exactly(arguments[1], 32);
    const uint8_t *s = exactly(arguments[2], 32);
    const uint8_t *e = exactly(arguments[3], 32);
    affine point;
    public_point(&point, arguments[0]);
    return verifier_equation(&point, r, s, e) ? mp_const_true : mp_const_false;
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(verify_equation_object, 4, 4, verify_equation);

// Every function and its name, for the loadable module and for the table of builtin.c.
#define FUNCTIONS(row) \
    row(MP_QSTR_generate, generate_object) \
    row(MP_QSTR_commit, commit_object) \
    row(MP_QSTR_xor, xor_object) \
    row(MP_QSTR_respond, respond_object) \
    row(MP_QSTR_linear, linear_object) \
    row(MP_QSTR_lift_x, lift_x_object) \
    row(MP_QSTR_prepare, prepare_object) \
    row(MP_QSTR_multiply_add, multiply_add_object) \
    row(MP_QSTR_add, add_object) \
    row(MP_QSTR_combine, combine_object) \
    row(MP_QSTR_verify_equation, verify_equation_object)

#if MICROPY_ENABLE_DYNRUNTIME
#define STORE(name, object) mp_store_global(name, MP_OBJ_FROM_PTR(&object));
mp_obj_t mpy_init(mp_obj_fun_bc_t *self, size_t n_args, size_t n_kw, mp_obj_t *args) {
    MP_DYNRUNTIME_INIT_ENTRY
    mp_store_global(MP_QSTR_VERSION, MP_OBJ_NEW_SMALL_INT(VERSION));
    FUNCTIONS(STORE)
    MP_DYNRUNTIME_INIT_EXIT
}
#endif
