# ruff: noqa: F821 - the names are those of MicroPython's build
# The protocol library and the agent.

include("../../firmware/manifest.py")
