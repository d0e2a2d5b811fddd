# What MicroPython's port for QEMU lacks and the agent needs: a clock, a terminal that can be polled
# and interrupted, files, and entropy that somebody injects. No image for real hardware has it.

EMULATED_PORT := $(USERMOD_DIR)
SRC_USERMOD_C += $(addprefix $(EMULATED_PORT)/,clock.c terminal.c entropy.c)
CFLAGS_USERMOD += -I$(EMULATED_PORT)
# The port's own terminal is without polling; its functions are replaced where they are called.
LDFLAGS_USERMOD += -Wl,--wrap=mp_hal_stdin_rx_chr,--wrap=mp_hal_stdio_poll
