"""The device agent: proves the device's identity to its gateway and checks what comes back.

Runs on MicroPython 1.25 and later. `main.py` puts the real parts together; every other module
takes what it needs (transport, storage, clock, entropy, sensors) as arguments.
"""

__version__ = "0.1.0"
