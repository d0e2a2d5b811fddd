"""Damages a board's flash in many ways and starts the device from each. Runs on MicroPython.

    micropython damaged_flash.py FLASH FIRST_CASE END_CASE [FOLDER]

FLASH is what an emulated Pico's file system left in its flash. A case is a number that determines
the damage. Even numbers damage one block that holds something, odd ones up to three. A damaged
block is erased, overwritten at random, or has a few bits turned. FOLDER: each damaged flash is
written there, under the case's number. Each case prints one JSON object, `{case, damage, blocks,
outcome, …}`:

    unreadable  nothing was mounted, and not a bit of the flash was changed
    nobody      `files`, without a configuration: the board is anyone's, and starts no device
    refused     the device does not start; `why`
    started     with `device_id`, and `counter`, the first that it would use
"""

import json
import os
import random
import sys

import board_files
import vfs

from countersign_agent.config import ConfigError, load_config
from countersign_agent.hardware import device
from countersign_agent.keys.entropy import EntropyError
from countersign_agent.keys.keystore import KeyStoreDamaged
from countersign_agent.keys.storage import FolderStorage, StorageError
from support.agent.ram_flash import RamFlash

BLOCK_BYTES = 4096
CONFIG = "/countersign.json"
# The root is the damaged flash's. This process's own files are here meanwhile.
HOST = vfs.VfsPosix()


def damage(data, case):
    """Damage the flash as this case says. Returns (the damage in words, the number of blocks)."""
    random.seed(case)
    blank = b"\xff" * BLOCK_BYTES
    used = [
        block
        for block in range(len(data) // BLOCK_BYTES)
        if data[block * BLOCK_BYTES : (block + 1) * BLOCK_BYTES] != blank
    ]
    done = []
    hit = set()
    for _ in range(random.choice((2, 3)) if case % 2 else 1):
        block = random.choice(used)
        start = block * BLOCK_BYTES
        kind = random.choice(("erased", "random", "turned"))
        if kind == "erased":
            data[start : start + BLOCK_BYTES] = blank
        elif kind == "random":
            for index in range(start, start + BLOCK_BYTES, 4):
                data[index : index + 4] = random.getrandbits(32).to_bytes(4, "big")
        else:
            for _ in range(random.choice((1, 8))):
                data[start + random.randrange(BLOCK_BYTES)] ^= 1 << random.randrange(8)
        hit.add(block)
        done.append("%s %d" % (kind, block))
    return ", ".join(done), len(hit)


def start(data):
    """Start what a board with this flash starts when its power comes."""
    before = bytes(data)
    board_files.mount(RamFlash(data, BLOCK_BYTES))
    if not board_files.are_mounted():
        assert data == before, "it was not left as it was"
        return {"outcome": "unreadable"}
    try:
        config = load_config(CONFIG)
    except (ConfigError, OSError) as error:
        if isinstance(error, OSError) and error.errno == 2:
            return {"outcome": "nobody", "files": sorted(os.listdir("/"))}
        return {"outcome": "refused", "why": repr(error)}
    try:
        key_store, _ = device.start(FolderStorage(config.storage_folder), config.device_id)
        counter = key_store.counters.next()
    except (KeyStoreDamaged, StorageError, EntropyError) as error:
        return {"outcome": "refused", "why": repr(error)}
    finally:
        vfs.umount("/")
    return {
        "outcome": "started",
        "device_id": "".join(["%02x" % byte for byte in key_store.identity.device_id]),
        "counter": counter,
    }


def main(path, first, end, folder=None):
    with open(path, "rb") as file:
        sound = file.read()
    data = bytearray(len(sound))
    vfs.umount("/")
    for case in range(first, end):
        data[:] = sound
        done, blocks = damage(data, case)
        if folder is not None:
            with HOST.open(folder + "/" + str(case), "wb") as file:
                file.write(data)
        found = start(data)
        if board_files.are_mounted():
            vfs.umount("/")
        print(json.dumps(dict(found, case=case, damage=done, blocks=blocks)))


main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), *sys.argv[4:])
