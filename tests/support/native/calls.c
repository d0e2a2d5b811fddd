// Calls the arithmetic as compiled for one processor. This program has no C library.
//
// Standard input holds calls, and standard output gets their results. All words are little-endian.
//   call:   number in on_processor.py's FUNCTIONS, count of arguments, then for each argument its
//           kind and a word:
//           WORD     the argument itself
//           BUFFER   a size, and as many bytes follow; the argument is their address
//           SAME     the number of an earlier argument; the argument is the same address
//           HIDDEN   the same as BUFFER, but memcheck treats its content as undefined
//           LOOK is added to the number to ask for the stack
//   result: the function's return value (garbage if it returns nothing), then every buffer in order
//           with its length unchanged; then, for LOOK, the STACK_BYTES of the call's stack, from
//           the top downwards, UNTOUCHED where it wrote nothing
// Exit status: 0 at the end of the input, 2 for an invalid call, 3 if a function wrote before or
// behind a buffer.

#include <stddef.h>
#include <stdint.h>

#if defined(UNDER_MEMCHECK)
#include <valgrind/memcheck.h>
#define HIDE(from, size) VALGRIND_MAKE_MEM_UNDEFINED(from, size)
#define SHOW(from, size) VALGRIND_MAKE_MEM_DEFINED(from, size)
#else
#define HIDE(from, size) ((void)0)
#define SHOW(from, size) ((void)0)
#endif

#define WORD 0
#define BUFFER 1
#define SAME 2
#define HIDDEN 3

#define LOOK 0x80000000u
#define STACK_BYTES 8192
#define UNTOUCHED 0x5a
// The words directly below a frame may belong to it (Xtensa keeps a caller's registers there).
#define OWN_BYTES 32

#define MOST_ARGUMENTS 6
#define MOST_BYTES 1024
#define GUARD_BYTES 32
#define GUARD 0xa5

// The functions' types differ, but in these calling conventions they do not matter to a caller.
typedef uintptr_t (*function)(uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t);
extern const function functions[];
extern const uint32_t function_count;

static _Alignas(16) uint8_t memory[MOST_ARGUMENTS][GUARD_BYTES + MOST_BYTES + GUARD_BYTES];

// The numbers of system calls, from Linux's tables for each processor.
#if defined(__x86_64__)
enum { NR_READ = 0, NR_WRITE = 1, NR_EXIT = 60 };
static long system_call(long number, long a, long b, long c) {
    long result;
    __asm__ volatile ("syscall" : "=a" (result) : "a" (number), "D" (a), "S" (b), "d" (c)
        : "rcx", "r11", "memory");
    return result;
}
#elif defined(__arm__)
enum { NR_READ = 3, NR_WRITE = 4, NR_EXIT = 1 };
static long system_call(long number, long a, long b, long c) {
    // r7 is the frame pointer in Thumb, so the compiler cannot assign it to a variable.
    register long r0 __asm__ ("r0") = a;
    register long r1 __asm__ ("r1") = b;
    register long r2 __asm__ ("r2") = c;
    register long r3 __asm__ ("r3") = number;
    __asm__ volatile ("push {r7}\n\tmov r7, r3\n\tsvc #0\n\tpop {r7}"
        : "+r" (r0) : "r" (r1), "r" (r2), "r" (r3) : "memory");
    return r0;
}
#elif defined(__riscv)
enum { NR_READ = 63, NR_WRITE = 64, NR_EXIT = 93 };
static long system_call(long number, long a, long b, long c) {
    register long a0 __asm__ ("a0") = a;
    register long a1 __asm__ ("a1") = b;
    register long a2 __asm__ ("a2") = c;
    register long a7 __asm__ ("a7") = number;
    __asm__ volatile ("ecall" : "+r" (a0) : "r" (a1), "r" (a2), "r" (a7) : "memory");
    return a0;
}
#elif defined(__XTENSA__)
enum { NR_READ = 12, NR_WRITE = 13, NR_EXIT = 118 };
static long system_call(long number, long a, long b, long c) {
    register long a2 __asm__ ("a2") = number;
    register long a6 __asm__ ("a6") = a;
    register long a3 __asm__ ("a3") = b;
    register long a4 __asm__ ("a4") = c;
    __asm__ volatile ("syscall" : "+r" (a2) : "r" (a6), "r" (a3), "r" (a4) : "memory");
    return a2;
}
#endif

static void end(long status) {
    for (;;) {
        system_call(NR_EXIT, status, 0, 0);
    }
}

static void receive(void *into, size_t size) {
    uint8_t *at = into;
    for (size_t got = 0; got < size;) {
        long more = system_call(NR_READ, 0, (long)(at + got), (long)(size - got));
        if (more <= 0) {
            end(0);
        }
        got += (size_t)more;
    }
}

static void send(const void *from, size_t size) {
    const uint8_t *at = from;
    for (size_t sent = 0; sent < size;) {
        long more = system_call(NR_WRITE, 1, (long)(at + sent), (long)(size - sent));
        if (more <= 0) {
            end(2);
        }
        sent += (size_t)more;
    }
}

static uint32_t receive_word(uint32_t limit) {
    uint32_t word;
    receive(&word, sizeof word);
    if (word >= limit) {
        end(2);
    }
    return word;
}

static void check_guards(const uint8_t *place, size_t size) {
    for (size_t i = 0; i < GUARD_BYTES; i++) {
        if (place[i] != GUARD || place[GUARD_BYTES + size + i] != GUARD) {
            end(3);
        }
    }
}

#if defined(__x86_64__)
#define STACK_POINTER "mov %%rsp, %0"
#elif defined(__arm__)
#define STACK_POINTER "mov %0, sp"
#elif defined(__riscv)
#define STACK_POINTER "mv %0, sp"
#elif defined(__XTENSA__)
#define STACK_POINTER "mov %0, a1"
#endif

static volatile uint8_t remains[STACK_BYTES];

static __attribute__((noinline)) uint32_t call(function callee, const uintptr_t *argument,
    ptrdiff_t marked) {
    volatile uint8_t *top;
    __asm__ volatile (STACK_POINTER : "=r" (top));
    top -= OWN_BYTES;
    for (ptrdiff_t i = 1; i <= marked; i++) {
        top[-i] = UNTOUCHED;
    }
    uint32_t result = (uint32_t)callee(argument[0], argument[1], argument[2], argument[3],
        argument[4], argument[5]);
    for (ptrdiff_t i = 1; i <= marked; i++) {
        remains[i - 1] = top[-i];
    }
    return result;
}

static void answer_one_call(void) {
    uintptr_t argument[MOST_ARGUMENTS] = {0};
    size_t size[MOST_ARGUMENTS] = {0};
    uint32_t number;
    receive(&number, sizeof number);
    uint32_t look = number & LOOK;
    number ^= look;
    if (number >= function_count) {
        end(2);
    }
    uint32_t count = receive_word(MOST_ARGUMENTS + 1);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t kind = receive_word(HIDDEN + 1);
        if (kind == WORD) {
            uint32_t word;
            receive(&word, sizeof word);
            argument[i] = word;
        } else if (kind == SAME) {
            argument[i] = argument[receive_word(i)];
        } else {
            size[i] = receive_word(MOST_BYTES + 1);
            uint8_t *place = memory[i];
            for (size_t j = 0; j < GUARD_BYTES; j++) {
                place[j] = place[GUARD_BYTES + size[i] + j] = GUARD;
            }
            receive(place + GUARD_BYTES, size[i]);
            argument[i] = (uintptr_t)(place + GUARD_BYTES);
            if (kind == HIDDEN) {
                HIDE(place + GUARD_BYTES, size[i]);
            }
        }
    }
    uint32_t result = call(functions[number], argument, look ? STACK_BYTES : 0);
    SHOW(&result, sizeof result);
    SHOW(memory, sizeof memory);
    send(&result, sizeof result);
    for (uint32_t i = 0; i < count; i++) {
        if (size[i] > 0) {
            check_guards(memory[i], size[i]);
            send(memory[i] + GUARD_BYTES, size[i]);
        }
    }
    if (look) {
        send((const void *)remains, sizeof remains);
    }
}

#if defined(__XTENSA__)
// A window's registers spill into its caller's frame. The first function has no caller, so it
// leaves all but its lowest four registers to the next one.
void answer_calls(void);
__asm__ ("\t.text\n\t.global _start\n\t.align 4\n_start:\n\tmovi a0, 0\n\tcall4 answer_calls\n");
#elif defined(__x86_64__)
#define answer_calls __attribute__((force_align_arg_pointer)) _start
#else
#define answer_calls _start
#endif

void answer_calls(void) {
    for (;;) {
        answer_one_call();
    }
}
