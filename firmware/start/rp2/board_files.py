"""The board's files: mounted when it starts, made only where there provably never were any.

A file system that cannot be read may hold an identity, and is left as it is: main.py says so, and
`countersign provision --erase-files` makes it anew.

Formatting writes the first two blocks alone, and power may go meanwhile. Whatever is in those, a
flash that is blank behind them never had a folder, and so no key store: a folder takes two blocks
of its own. Such a flash is formatted.
"""

import vfs

UNREADABLE = (
    "countersign: the board's files cannot be read and were left as they are. Revoke the device at "
    "its gateway if it was enrolled, then make it anew: countersign provision --erase-files"
)

# The smallest piece that this flash is programmed in.
_PROGRAM_BYTES = 256
# Superblocks: where formatting writes.
_FIRST_BLOCKS = 2

_BLOCK_COUNT = 4
_BLOCK_BYTES = 5
_ERASE_BLOCK = 6


def mount(flash) -> None:
    """Mount what `flash` (a block device) holds at the root, or nothing: `are_mounted` tells."""
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
    """Blank the whole flash, which is formatted at the next start. Nothing may be mounted.

    From its beginning: cut short, it leaves a file system that still can not be read, and never
    half of one that can.
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
