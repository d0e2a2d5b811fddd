# ruff: noqa: F821 - the names are those of MicroPython's build
# What an image for the Pico 2 W freezes: the port's own modules, asyncio, mip, and ours.
# No such image is built here: the Wi-Fi chip's driver is not in Debian's sources.

freeze("$(PORT_DIR)/modules")
include("$(MPY_DIR)/extmod/asyncio")
require("mip")
include("../../firmware/manifest.py")
