# ruff: noqa: F821 - the names are those of MicroPython's build
# What an image for the Pico 2 W freezes: the port's own modules, asyncio, mip, and ours.
# No such image is built here: the Wi-Fi chip's driver is not in Debian's sources.

# The port's modules that mount the board's files are replaced: ours never format existing files.
module("rp2.py", base_path="$(PORT_DIR)/modules")
module("_boot.py", base_path="../../firmware/start/rp2")
module("board_files.py", base_path="../../firmware/start/rp2")
include("$(MPY_DIR)/extmod/asyncio")
require("mip")
include("../../firmware/manifest.py")
