# QEMU's model of Arm's MPS2 with the AN385 image: a Cortex-M3. Upstream's board with our memory
# layout and configuration.
include boards/MPS2_AN385/mpconfigboard.mk
include $(BOARD_DIR)/../qemu.mk
LDSCRIPT = $(BOARD_DIR)/board.ld
