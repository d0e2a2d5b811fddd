# ruff: noqa: F821 - the names are those of MicroPython's build
# What a MicroPython program for a workstation freezes. None is built here: Debian's runs ours from
# their folders.

include("$(MPY_DIR)/extmod/asyncio")
require("mip")
include("../../firmware/manifest.py")
