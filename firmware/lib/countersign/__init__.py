"""The Countersign protocol, once, for MicroPython and CPython alike.

This package imports nothing else of ours and touches no I/O, no clock and no randomness: they
are passed in. PROTOCOL.md specifies it, countersign.cddl gives the shapes. Import the modules
by name (`from countersign import cbor`); nothing is loaded here, since a board pays for
every module it loads.
"""
