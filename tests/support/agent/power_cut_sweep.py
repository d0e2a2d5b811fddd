"""Cuts the power at every flash operation of every writer. It runs on MicroPython.

    micropython power_cut_sweep.py [torn mode …]

The file system is the boards' own, littlefs 2, on a simulated flash in RAM. It has the RP2040's
block size, or a small one where files do not fit into the directory. The sweep tears each cut
operation in every mode, or in the named ones. After a cut it mounts the flash afresh, as after a
reset, and checks the writer's promise.
The last line is one JSON object with the counts. The exit status is 1 if a promise was broken.
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
    """Run action(storage, …) on a fresh mount of `data`: (the flash, its exception or None)."""
    flash = RamFlash(data, geometry[0], cut_after, torn)
    error = None
    mounted = False
    try:
        vfs.mount(vfs.VfsLfs2(flash, readsize=geometry[2], progsize=geometry[2]), MOUNT_POINT)
        mounted = True
        action(FolderStorage(MOUNT_POINT + "/countersign"), *arguments)
    except Exception as raised:  # noqa: BLE001 - the caller decides whether it is allowed
        error = raised
    was_dead = flash.is_dead
    flash.unplug()
    if mounted:
        vfs.umount(MOUNT_POINT)
    flash.is_dead = was_dead
    return flash, error


def sweep(writer, geometry, torn, data, before):
    """(cuts made, list of broken promises) of one writer.

    data, before: two bytearrays of the flash's size. The caller makes them once for all sweeps,
    while a small heap still has such long pieces free.
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
    counters.BLOCK = 8  # smaller blocks give the same writes with fewer counters between them
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
                # The sweep must find this broken writer, or its other results mean nothing.
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
