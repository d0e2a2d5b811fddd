# ruff: noqa: F821 - the names are those of MicroPython's build
# What the image for the Raspberry Pi Pico freezes: the port's own modules, asyncio, and ours.

freeze("$(PORT_DIR)/modules")
include("$(MPY_DIR)/extmod/asyncio")
include("../../firmware/manifest.py")
