// Time since the board started, from a free-running timer that nothing else uses.
//
// Under `-icount` the time follows the count of instructions, otherwise the workstation's clock.

#include <stdint.h>

#include "py/mphal.h"
#include "py/runtime.h"

#define REGISTER(address) (*(volatile uint32_t *)(address))

#if defined(QEMU_SOC_VIRT)

// The core-local interruptor's mtime: 64 bits, 10 MHz.
static uint64_t now_us(void) {
    uint32_t high, low;
    do {
        high = REGISTER(0x0200BFFC);
        low = REGISTER(0x0200BFF8);
    } while (high != REGISTER(0x0200BFFC));
    return ((uint64_t)high << 32 | low) / 10;
}

#else

#if defined(QEMU_SOC_MPS2)

// The FPGA system's counter, of 25 MHz divided by 25: a million a second.
static void start_counter(void) {
    REGISTER(0x4002801C) = 24;
}

static uint32_t read_counter(void) {
    return REGISTER(0x40028018);
}

#elif defined(QEMU_SOC_NRF51)

// The nRF51's TIMER1, 16 MHz divided by 2 to the 4th, read by capturing. TIMER0 stays free for
// counting instructions (tools/countersign_workshop/emulation/qemu.py).
static void start_counter(void) {
    REGISTER(0x40009508) = 3; // 32 bits
    REGISTER(0x40009510) = 4;
    REGISTER(0x40009000) = 1;
}

static uint32_t read_counter(void) {
    REGISTER(0x40009040) = 1;
    return REGISTER(0x40009540);
}

#else
#error "no clock is known for this machine"
#endif

// The counter wraps after 71 minutes, so a caller must read the time once in each wrap. Every wait
// reads it.
static uint64_t now_us(void) {
    static bool started;
    static uint32_t last;
    static uint64_t elapsed_us;
    if (!started) {
        start_counter();
        last = read_counter();
        started = true;
    }
    uint32_t counter = read_counter();
    elapsed_us += (uint32_t)(counter - last);
    last = counter;
    return elapsed_us;
}

#endif

mp_uint_t mp_hal_ticks_us(void) {
    return now_us();
}

mp_uint_t mp_hal_ticks_cpu(void) {
    return now_us();
}

mp_uint_t mp_hal_ticks_ms(void) {
    return now_us() / 1000;
}

// The file system uses this for its dates, which begin anew at every start.
uint64_t mp_hal_time_ns(void) {
    return now_us() * 1000;
}

void mp_hal_delay_us(mp_uint_t us) {
    uint64_t end = now_us() + us;
    while (now_us() < end) {
    }
}

void mp_hal_delay_ms(mp_uint_t ms) {
    uint64_t end = now_us() + (uint64_t)ms * 1000;
    do {
        mp_event_handle_nowait();
    } while (now_us() < end);
}
