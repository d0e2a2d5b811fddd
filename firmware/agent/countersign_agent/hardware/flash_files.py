"""Erases a board's files, and the keys among them.

Removing a file leaves its content in the flash, so every block is erased. The blocks of the file
system's root come last. A power cut therefore leaves the mark, and the next start goes on.
"""

import os
import sys

_BLOCK_COUNT = 4
_ERASE_BLOCK = 6
_MARK = "countersign.erasing"


def is_unfinished() -> bool:
    """Whether an erase was cut short."""
    return _MARK in os.listdir("/")


def erase() -> None:
    """Erase every block of the flash that holds the files. The next start makes an empty one."""
    with open("/" + _MARK, "w"):
        pass
    flash = _flash()
    for block in range(flash.ioctl(_BLOCK_COUNT, 0) - 1, -1, -1):
        flash.ioctl(_ERASE_BLOCK, block)


def _flash():
    if sys.platform == "rp2":
        import rp2

        return rp2.Flash()
    from esp32 import Partition

    return Partition.find(Partition.TYPE_DATA, label="vfs")[0]
