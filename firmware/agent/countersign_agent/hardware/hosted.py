"""MicroPython as a process on a workstation: the storage is a folder of the host."""

from countersign_agent.keys.storage import FolderStorage


class PosixFolderStorage(FolderStorage):
    """A folder of the host, for MicroPython's unix port.

    There a rename is atomic at once, but durable only once the folder itself is synchronised.
    MicroPython has no os.sync, but its flush calls fsync, also on a folder opened for reading.
    Files get the process's umask, so the operator makes the folder readable to its owner alone.
    """

    def _sync_folder(self, path):
        with open(path.rpartition("/")[0], "rb") as folder:
            folder.flush()
