"""Emulated boards: the QEMU machines, the emulated RP2040, and MicroPython as a process."""
