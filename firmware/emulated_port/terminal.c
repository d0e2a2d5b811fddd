// Standard input that can be polled and that Ctrl-C interrupts, over the port's own UART.

#include <stdint.h>

#include "py/mphal.h"
#include "py/ringbuf.h"
#include "py/runtime.h"
#include "py/stream.h"

#include "ports/qemu/uart.h"

// QEMU holds back bytes that do not fit, so the size affects only speed.
static uint8_t received_bytes[256];
static ringbuf_t received = { received_bytes, sizeof received_bytes, 0, 0 };

void emulated_terminal_listen(void) {
    while (ringbuf_free(&received) > 0) {
        int character = uart_rx_chr();
        if (character < 0) {
            return;
        }
        if (character == mp_interrupt_char) {
            mp_sched_keyboard_interrupt();
        } else {
            ringbuf_put(&received, character);
        }
    }
}

uintptr_t __wrap_mp_hal_stdio_poll(uintptr_t wanted) {
    emulated_terminal_listen();
    uintptr_t ready = MP_STREAM_POLL_WR;
    if (ringbuf_avail(&received) > 0) {
        ready |= MP_STREAM_POLL_RD;
    }
    return wanted & ready;
}

int __wrap_mp_hal_stdin_rx_chr(void) {
    for (;;) {
        emulated_terminal_listen();
        int character = ringbuf_get(&received);
        if (character >= 0) {
            return character;
        }
        mp_event_handle_nowait();
    }
}
