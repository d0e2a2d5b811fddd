"""What the device measures: a function that returns names and signed 32-bit integers."""

import gc


def read_board() -> dict:
    """Readings that every board has. A product passes its own function instead."""
    gc.collect()
    readings = {}
    if hasattr(gc, "mem_free"):  # MicroPython's own; absent where the tests run on CPython
        readings["heap_free"] = min(gc.mem_free(), 0x7FFFFFFF)
    return readings
