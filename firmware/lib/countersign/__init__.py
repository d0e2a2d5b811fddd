"""The Countersign protocol, once, for MicroPython and CPython alike.

This package imports no other package of the project. It has no I/O, clock or randomness: callers
pass them in. PROTOCOL.md specifies it, and countersign.cddl gives the shapes. Import the modules by
name (`from countersign import cbor`). This file loads none of them, because each loaded module
takes memory on a board.
"""
