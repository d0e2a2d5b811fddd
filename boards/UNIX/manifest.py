# ruff: noqa: F821 - the names are those of MicroPython's build
# What a MicroPython program for a workstation freezes. None is built here, because Debian's program
# runs our modules from their folders.

include("$(MPY_DIR)/extmod/asyncio")
require("mip")
include("../../firmware/manifest.py")
