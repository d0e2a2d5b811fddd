"""Cuts the power at every single flash operation of every writer. Runs on MicroPython.

    micropython power_cut_sweep.py [torn mode …]

The file system is the boards' own: littlefs 2, here on flash in RAM, at the RP2040's block size
and at a small one where files do not fit into the directory. Each cut is torn in every mode,
or in those that are named.
Afterwards the flash is mounted afresh, as after a reset, and the writer's promise is checked.
The last line is one JSON object with the counts; the exit status is 1 if a promise was broken.
"""

import json
import sys

import vfs

from countersign_agent.keys import counters, keystore
from countersign_agent.keys.storage import FolderStorage
from support.agent.ram_flash import TORN_MODES, RamFlash
from support.agent.writers import CONTROL, WRITERS, KnownKeys

# (block size, blocks, program size)
GEOMETRIES = ((4096, 6, 256), (512, 32, 32))
MOUNT_POINT = "/flash"


def run(data, geometry, cut_after, torn, action, *arguments):
    """action(storage, …) on a fresh mount of `data`: (the flash, what it raised or None)."""
    flash = RamFlash(data, geometry[0], cut_after, torn)
    error = None
    mounted = False
    try:
        vfs.mount(vfs.VfsLfs2(flash, readsize=geometry[2], progsize=geometry[2]), MOUNT_POINT)
        mounted = True
        action(FolderStorage(MOUNT_POINT + "/countersign"), *arguments)
    except Exception as raised:  # noqa: BLE001 - the caller decides whether it may be
        error = raised
    was_dead = flash.is_dead
    flash.unplug()
    if mounted:
        vfs.umount(MOUNT_POINT)
    flash.is_dead = was_dead
    return flash, error


def sweep(writer, geometry, torn, data, before):
    """(cuts made, list of broken promises) of one writer.

    data, before: two bytearrays of the flash's size. They are made once for all sweeps, while a
    small heap still has so long a piece free.
    """
    _, prepare, act, check = writer
    data[:] = b"\xff" * len(data)
    vfs.VfsLfs2.mkfs(RamFlash(data, geometry[0]), readsize=geometry[2], progsize=geometry[2])
    must_work(run(data, geometry, None, torn, prepare))
    before[:] = data
    operations = must_work(run(data, geometry, None, torn, act, [])).operations
    broken = []
    for cut in range(operations + 1):
        data[:] = before
        witness = []
        flash, error = run(data, geometry, cut, torn, act, witness)
        if flash.is_dead != (cut < operations) or (error is not None) != flash.is_dead:
            broken.append("cut %d: the run is not repeatable: %r" % (cut, error))
        _, error = run(data, geometry, None, torn, check, witness)
        if error is not None:
            broken.append("cut %d: %r" % (cut, error))
    return operations + 1, broken


def must_work(outcome):
    flash, error = outcome
    if error is not None:
        raise error
    return flash


def main(torn_modes):
    flash_size = GEOMETRIES[0][0] * GEOMETRIES[0][1]
    data, before = bytearray(flash_size), bytearray(flash_size)
    keystore.schnorr = KnownKeys()
    counters.BLOCK = 8  # the same writes with fewer counters between them
    cuts = 0
    failures = 0
    for geometry in GEOMETRIES:
        if geometry[0] * geometry[1] != flash_size:
            data = before = None
            flash_size = geometry[0] * geometry[1]
            data, before = bytearray(flash_size), bytearray(flash_size)
        for writer in WRITERS + (CONTROL,):
            made, broken = 0, []
            for torn in torn_modes:
                made_here, broken_here = sweep(writer, geometry, torn, data, before)
                made += made_here
                broken += ["torn " + torn + ", " + line for line in broken_here]
            print("%s, blocks of %d: %d cuts" % (writer[0], geometry[0], made))
            cuts += made
            if writer is CONTROL:
                # A sweep that finds nothing wrong here would find nothing anywhere.
                if not broken:
                    failures += 1
                    print("BROKEN the sweep does not see a counter that repeats")
                continue
            failures += len(broken)
            for line in broken[:5]:
                print("BROKEN " + writer[0] + ", " + line)
    print(json.dumps({"cuts": cuts, "broken": failures, "writers": len(WRITERS)}))
    return 1 if failures else 0


sys.exit(main(sys.argv[1:] or TORN_MODES))
