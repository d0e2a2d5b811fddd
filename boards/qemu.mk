# The settings that our QEMU boards share. firmware/emulated_port adds what the port lacks.

# This leaves room for files in RAM, in addition to a device's memory.
MICROPY_HEAP_SIZE = 1000000

# The agent's key store needs a file system whose rename is atomic.
MICROPY_VFS_LFS2 = 1

CFLAGS += -DMP_CONFIGFILE='"emulated_port.h"'
