# ruff: noqa: F821 - the names are those of MicroPython's build
# What the image for the Raspberry Pi Pico freezes: the port's own modules, asyncio, and ours.

# The port's modules that mount the board's files are replaced: ours never format existing files.
module("rp2.py", base_path="$(PORT_DIR)/modules")
module("_boot.py", base_path="../../firmware/start/rp2")
module("board_files.py", base_path="../../firmware/start/rp2")
include("$(MPY_DIR)/extmod/asyncio")
include("../../firmware/manifest.py")
