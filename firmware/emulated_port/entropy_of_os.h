// os.urandom for our QEMU boards, see entropy.c. Included by MicroPython's modos.c.

mp_obj_t emulated_urandom(mp_obj_t count);
static MP_DEFINE_CONST_FUN_OBJ_1(mp_os_urandom_obj, emulated_urandom);
