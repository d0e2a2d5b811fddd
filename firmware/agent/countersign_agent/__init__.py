"""The device agent: proves the device's identity to its gateway and checks what comes back.

Runs on MicroPython 1.25 and later. `main.py` puts the real parts together; every other module
takes what it needs (transport, storage, clock, entropy, sensors) as arguments.
"""

import gc

__version__ = "0.1.0"

# MicroPython collects after this many bytes, not only when the heap is full. Otherwise the garbage
# of imports fragments the heap: 100 kB can be free without 2 kB in a row. The setting stands here
# because it must precede the other imports. CPython has no such setting and no such need.
COLLECT_EVERY_BYTES = 16384
if hasattr(gc, "threshold"):
    gc.threshold(COLLECT_EVERY_BYTES)
