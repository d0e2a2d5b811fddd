# What our QEMU boards have in common.

# Room for files in RAM beside what a device has.
MICROPY_HEAP_SIZE = 1000000
