# ruff: noqa: F821 - the names are those of MicroPython's build
# A firmware image freezes the protocol library, the agent, and the files that start it.
#
#     make -C ports/rp2 FROZEN_MANIFEST=<this file>      or include("<this file>") in a board's own
#
# Paths are relative to this file, which is how MicroPython's build reads a manifest.

metadata(description="Countersign device agent", version="0.1.0", license="Apache-2.0")

package("countersign", base_path="lib")
package("countersign_agent", base_path="agent")
module("boot.py", base_path="start")
module("main.py", base_path="start")
