# ruff: noqa: F821 - the names are those of MicroPython's build
# What an image for the ESP32 freezes: the port's own modules, asyncio, mip, and ours.
# No such image is built here, because no package registry has Espressif's SDK.

freeze("$(PORT_DIR)/modules")
include("$(MPY_DIR)/extmod/asyncio")
require("mip")
include("../../firmware/manifest.py")
