"""Boards without boards: QEMU, an emulated RP2040, MicroPython processes."""
