"""MicroPython as a process on a workstation: a folder is the host's."""

from countersign_agent.keys.storage import FolderStorage


class PosixFolderStorage(FolderStorage):
    """A folder of the host, for MicroPython's unix port.

    There a rename is atomic at once but durable only when the folder itself is synchronised.
    MicroPython has no os.sync; its flush is fsync, also on a folder opened for reading.
    Files are made with the process's umask: make the folder readable to its owner alone.
    """

    def _sync_folder(self, path):
        with open(path.rpartition("/")[0], "rb") as folder:
            folder.flush()
