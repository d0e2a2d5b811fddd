# ruff: noqa: F821 - the names are those of MicroPython's build
# The protocol library. The agent needs a clock and a transport, which this port has not.

package("countersign", base_path="../../firmware/lib")
