"""The default sensor: a function that returns readings, signed 32-bit integers by name."""

import gc


def read_board() -> dict:
    """The readings that every board has. A product passes its own function instead."""
    gc.collect()
    readings = {}
    if hasattr(gc, "mem_free"):  # only MicroPython has it; tests also run on CPython
        readings["heap_free"] = min(gc.mem_free(), 0x7FFFFFFF)
    return readings
