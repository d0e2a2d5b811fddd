"""Files in one folder, each replaced as a whole or not at all.

    read(name)          bytes, or None if there is no such file; StorageError if it cannot be read
    write(name, data)   when it returns, the new content is durable; a power cut at any moment
                        before that leaves the whole old content or the whole new one

A name is that of a file, or `witness/` and that of a file. The witness has a folder of its own,
which damage to the first folder may spare (counters.py).

The storage keeps "absent" and "unreadable" apart because the key store makes a new identity only
when there is none. It writes a file beside its final name and then renames it, so a torn write
never stands under the final name (decision 0003).
"""

import os

MAX_FILE_BYTES = 1024

_ENOENT = 2
_EEXIST = 17


class StorageError(Exception):
    """The medium refused an operation, or holds something that this code never writes."""


class FolderStorage:
    """A folder on a file system whose rename is atomic and durable by itself: LittleFS.

    FAT does not serve: its rename is neither atomic nor durable.
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
            # A file that vanished since `stat` is a fault of the medium too, not an absence.
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
