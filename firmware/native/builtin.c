// countersign_native as a part of an image: the functions of module.c, and the table that names
// them.
//
// The code stays in flash, while a loaded module takes 24 kB of the heap. MicroPython finds a
// built-in module before any file, so no file on a board can replace it.

#include "module.c"

#define ROW(name, object) { MP_ROM_QSTR(name), MP_ROM_PTR(&object) },
static const mp_rom_map_elem_t globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR_countersign_native) },
    { MP_ROM_QSTR(MP_QSTR_VERSION), MP_ROM_INT(VERSION) },
    FUNCTIONS(ROW)
};
static MP_DEFINE_CONST_DICT(module_globals, globals_table);

const mp_obj_module_t countersign_native_module = {
    .base = { &mp_type_module },
    .globals = (mp_obj_dict_t *)&module_globals,
};
MP_REGISTER_MODULE(MP_QSTR_countersign_native, countersign_native_module);
