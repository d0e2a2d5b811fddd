"""Mounts the board's files at its start. Formats a flash only if it never held a key store.

A file system that cannot be read may hold an identity, so this leaves it as it is. main.py reports
it, and `countersign provision --erase-files` makes it anew.

Formatting writes the first two blocks alone, and a power cut may interrupt it. A folder takes two
blocks of its own. So a flash that is blank behind the first two blocks never had a folder, and
never a key store. Only such a flash is formatted.
"""

import vfs

UNREADABLE = (
    "countersign: the board's files cannot be read and were left as they are. Revoke the device at "
    "its gateway if it was enrolled, press BOOTSEL, then countersign provision --erase-files"
)

# The smallest unit in which this flash can be programmed.
_PROGRAM_BYTES = 256
# The superblocks, to which formatting writes.
_FIRST_BLOCKS = 2

_BLOCK_COUNT = 4
_BLOCK_BYTES = 5
_ERASE_BLOCK = 6


def mount(flash) -> None:
    """Mount the files on `flash` (a block device) at the root, if they can be read."""
    try:
        files = vfs.VfsLfs2(flash, progsize=_PROGRAM_BYTES)
    except OSError:
        if not _is_blank(flash, _FIRST_BLOCKS):
            return
        vfs.VfsLfs2.mkfs(flash, progsize=_PROGRAM_BYTES)
        files = vfs.VfsLfs2(flash, progsize=_PROGRAM_BYTES)
    vfs.mount(files, "/")


def are_mounted() -> bool:
    """Whether the board has files."""
    return any([place == "/" for _, place in vfs.mount()])


def erase(flash) -> None:
    """Blank the whole flash, which the next start formats. Nothing may be mounted.

    It erases from the beginning. So an interrupted run leaves a file system that cannot be read,
    and never half of a readable one.
    """
    for block in range(flash.ioctl(_BLOCK_COUNT, 0)):
        flash.ioctl(_ERASE_BLOCK, block)


def _is_blank(flash, first_block):
    size = flash.ioctl(_BLOCK_BYTES, 0)
    blank = b"\xff" * size
    content = bytearray(size)
    for block in range(first_block, flash.ioctl(_BLOCK_COUNT, 0)):
        flash.readblocks(block, content)
        if content != blank:
            return False
    return True
