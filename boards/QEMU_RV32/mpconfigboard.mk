# QEMU's "virt" machine with a 32-bit RISC-V: it stands for the ESP32-C3's instruction set, and for
# nothing else of that chip. Upstream's board with our configuration; its memory is large enough.
include boards/VIRT_RV32/mpconfigboard.mk
include $(BOARD_DIR)/../qemu.mk
