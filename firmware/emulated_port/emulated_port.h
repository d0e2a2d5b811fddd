// The configuration of MicroPython for our QEMU boards: the port's own, and what the agent needs.
//
// The build uses this file in place of mpconfigport.h (MP_CONFIGFILE, boards/qemu.mk).

#include "ports/qemu/mpconfigport.h"

// The agent's line is standard input and output.
#undef MICROPY_PY_SYS_STDIO_BUFFER
#define MICROPY_PY_SYS_STDIO_BUFFER (1)
#undef MICROPY_PY_SELECT
#define MICROPY_PY_SELECT (1)

// Ticks and sleep. These boards have no calendar, since they do not know the date.
#undef MICROPY_PY_TIME
#define MICROPY_PY_TIME (1)
#define MICROPY_PY_TIME_GMTIME_LOCALTIME_MKTIME (0)
#define MICROPY_PY_TIME_TIME_TIME_NS (0)

#define MICROPY_PY_OS_URANDOM (1)
#define MICROPY_PY_OS_INCLUDEFILE "entropy_of_os.h"

// The interpreter looks for Ctrl-C where it waits.
void emulated_terminal_listen(void);
#define MICROPY_INTERNAL_EVENT_HOOK emulated_terminal_listen()

#if defined(QEMU_SOC_NRF51)
// Native code for the Cortex-M0, which upstream's board definition leaves out.
#define MICROPY_EMIT_THUMB (1)
#define MICROPY_EMIT_THUMB_ARMV7M (0)
#define MICROPY_EMIT_INLINE_THUMB (1)
#define MICROPY_EMIT_INLINE_THUMB_FLOAT (0)
#endif
