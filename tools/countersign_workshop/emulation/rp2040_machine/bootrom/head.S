@ The first bytes of our boot ROM, where the RP2040 and its SDK look for them
@ (RP2040 datasheet, 2.8.3 "Bootrom Contents"): vectors, version, and the tables of functions.

    .syntax unified
    .cpu cortex-m0plus
    .thumb

    .section .vectors, "a"
    .word 0x20042000            @ the stack, at the top of RAM, until an image sets its own
    .word reset
    .word trap_fault            @ NMI
    .word trap_fault            @ HardFault
    .byte 'M', 'u', 1           @ how the SDK recognises a boot ROM
    .byte 2                     @ version 2: float functions of 0x80 bytes of table
    .hword functions
    .hword data
    .hword lookup + 1
    .hword 0
    .rept 9
    .word trap_fault
    .endr

@ Two letters and a 16-bit address each, ended by zero. An address of code has bit 0 set.
    .macro entry first, second, address
    .byte \first, \second
    .hword \address
    .endm

    .section .rodata.tables, "a"
    .align 2
functions:
    entry 'P', '3', popcount32 + 1
    entry 'R', '3', reverse32 + 1
    entry 'L', '3', clz32 + 1
    entry 'T', '3', ctz32 + 1
    entry 'M', 'S', fill + 1
    entry 'S', '4', fill + 1
    entry 'M', 'C', copy + 1
    entry 'C', '4', copy + 1
    entry 'U', 'B', trap_boot_loader + 1
    entry 'I', 'F', nothing + 1             @ connect_internal_flash
    entry 'E', 'X', nothing + 1             @ flash_exit_xip
    entry 'F', 'C', nothing + 1             @ flash_flush_cache
    entry 'C', 'X', nothing + 1             @ flash_enter_cmd_xip
    entry 'R', 'E', trap_flash_erase + 1
    entry 'R', 'P', trap_flash_program + 1
    .word 0
data:
    entry 'S', 'F', float_functions
    .word 0

@ The table's length in words stands two bytes before it.
    .section .rodata.float, "a"
    .align 2
    .hword 0
    .byte 0x80 / 4, 0
float_functions:
    .word float_add + 1, float_subtract + 1, float_multiply + 1, float_divide + 1
    .word trap_missing + 1, trap_missing + 1            @ the two deprecated comparisons
    .word float_square_root + 1
    .word float_to_int + 1, trap_missing + 1            @ and to fixed point
    .word float_to_uint + 1, trap_missing + 1
    .word int_to_float + 1, trap_missing + 1
    .word uint_to_float + 1, trap_missing + 1
    .word trap_missing + 1, trap_missing + 1, trap_missing + 1  @ cos, sin, tan
    .word trap_missing + 1                              @ version 3 only
    .word trap_missing + 1, trap_missing + 1            @ exp, ln
    .word float_compare + 1, trap_missing + 1           @ and atan2
    .word int64_to_float + 1, trap_missing + 1
    .word uint64_to_float + 1, trap_missing + 1
    .word float_to_int64 + 1, trap_missing + 1
    .word float_to_uint64 + 1, trap_missing + 1
    .word float_to_double + 1

@ The emulator does this work: it stops at these breakpoints with the arguments in r0 to r3
@ (tools/countersign_workshop/emulation/rp2040_machine/board.mjs has the same numbers).
    .macro trap name, number
    .section .text.\name, "ax"
    .global \name
    .thumb_func
\name:
    bkpt #\number
    bx lr
    .endm

    trap trap_flash_erase, 0xe1
    trap trap_flash_program, 0xe2

@ These do not return.
    .macro final name, number
    .section .text.\name, "ax"
    .global \name
    .thumb_func
\name:
    bkpt #\number
    b .
    .endm

    final trap_boot_loader, 0xe3
    final trap_missing, 0xe4
    final trap_fault, 0xe5

@ Start the image itself. Its second-stage loader, the first 256 bytes, is left out: it would set up
@ a flash chip that is not there. The image's vector table follows the loader.
    .section .text.reset, "ax"
    .global reset
    .thumb_func
reset:
    ldr r0, =0x10000100
    ldr r1, =0xe000ed08         @ VTOR
    str r0, [r1]
    ldmia r0!, {r1, r2}
    msr msp, r1
    bx r2
    .ltorg
