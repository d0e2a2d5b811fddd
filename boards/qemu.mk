# What our QEMU boards have in common. The port itself is made complete in firmware/emulated_port.

# Room for files in RAM beside what a device has.
MICROPY_HEAP_SIZE = 1000000

# A file system whose rename is atomic, for the agent's key store.
MICROPY_VFS_LFS2 = 1

CFLAGS += -DMP_CONFIGFILE='"emulated_port.h"'
