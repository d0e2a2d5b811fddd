# MicroPython's QEMU port lacks what the agent needs: a clock, a terminal that can be polled and
# interrupted, files, and injected entropy. This module adds it. No image for real hardware has it.

EMULATED_PORT := $(USERMOD_DIR)
SRC_USERMOD_C += $(addprefix $(EMULATED_PORT)/,clock.c terminal.c entropy.c)
CFLAGS_USERMOD += -I$(EMULATED_PORT)
# The port's own terminal cannot be polled, so the linker replaces its functions at each call.
LDFLAGS_USERMOD += -Wl,--wrap=mp_hal_stdin_rx_chr,--wrap=mp_hal_stdio_poll
