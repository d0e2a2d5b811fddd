# QEMU's model of the micro:bit, for its Cortex-M0: the instruction set of the RP2040, and nothing
# else of that chip. Upstream's board with our memory layout and configuration.
include boards/MICROBIT/mpconfigboard.mk
include $(BOARD_DIR)/../qemu.mk
LDSCRIPT = $(BOARD_DIR)/board.ld
# Upstream's board has frozen code compiled for the M3.
MPY_CROSS_FLAGS = -march=armv6m
