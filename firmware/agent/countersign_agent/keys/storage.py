"""Files in one folder, each replaced as a whole or not at all.

    read(name)          bytes, or None if there is no such file; StorageError if it cannot be read
    write(name, data)   when it returns, the new content is durable; after a power cut at any
                        moment before, the old content or the new one is there, whole

A name is that of a file, or `witness/` and one: in a folder of its own, which may be spared by what
damages the first (counters.py).

"Absent" and "unreadable" are kept apart because the key store makes a new identity only when
there is none. A file is written beside its final name and moved over it, so a torn write never
stands under the final name (decision 0003).
"""

import os

MAX_FILE_BYTES = 1024

_ENOENT = 2
_EEXIST = 17


class StorageError(Exception):
    """The medium refused, or holds something that cannot be there."""


class FolderStorage:
    """A folder on a file system whose rename is atomic and durable by itself: LittleFS.

    FAT is not one: its rename is neither.
    """

    def __init__(self, folder: str):
        self._folder = folder
        for path in (folder, folder + "/witness"):
            try:
                os.mkdir(path)
            except OSError as error:
                if error.errno != _EEXIST:
                    raise StorageError("cannot make the storage folder: errno " + str(error.errno))

    def read(self, name: str) -> bytes:
        path = self._path(name)
        try:
            size = os.stat(path)[6]
        except OSError as error:
            if error.errno == _ENOENT:
                return None
            raise StorageError("cannot look for " + name + ": errno " + str(error.errno))
        if size > MAX_FILE_BYTES:
            raise StorageError(name + " is larger than anything written here")
        try:
            with open(path, "rb") as file:
                data = file.read(size)
        except OSError as error:
            # Also when it vanished in between: that is a fault of the medium, not an absence.
            raise StorageError("cannot read " + name + ": errno " + str(error.errno))
        if len(data) != size:
            raise StorageError(name + " is shorter than the file system says")
        return data

    def write(self, name: str, data: bytes) -> None:
        if len(data) > MAX_FILE_BYTES:
            raise ValueError("record exceeds MAX_FILE_BYTES")
        path = self._path(name)
        try:
            with open(path + ".tmp", "wb") as file:
                if file.write(data) != len(data):
                    raise StorageError("short write of " + name)
                self._sync_file(file)
            os.rename(path + ".tmp", path)
            self._sync_folder(path)
        except OSError as error:
            raise StorageError("cannot write " + name + ": errno " + str(error.errno))

    def _path(self, name):
        return self._folder + "/" + name

    def _sync_file(self, file):
        file.flush()  # a file's flush reaches the medium on MicroPython: lfs2_file_sync, fsync

    def _sync_folder(self, path):
        pass  # LittleFS commits a rename before it returns
