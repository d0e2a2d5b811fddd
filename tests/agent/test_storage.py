"""Storage in a folder, on the file system of the runtime under test."""

import os

from countersign_agent.keys.storage import MAX_FILE_BYTES, FolderStorage, StorageError

FOLDER = "/tmp/countersign-storage-test-" + "".join(["%02x" % b for b in os.urandom(8)])


def in_folder(test):
    """Run test(storage), and remove its folder afterwards."""
    try:
        test(FolderStorage(FOLDER))
    finally:
        for name in os.listdir(FOLDER):
            path = FOLDER + "/" + name
            try:
                os.remove(path)
            except OSError:
                os.rmdir(path)
        os.rmdir(FOLDER)


def expect_storage_error(action, *arguments):
    try:
        action(*arguments)
    except StorageError:
        return
    raise AssertionError("no StorageError")


def test_reads_what_was_written_and_knows_what_was_not():
    def test(storage):
        assert storage.read("a") is None
        storage.write("a", b"one")
        storage.write("a", b"three")
        assert storage.read("a") == b"three"
        assert FolderStorage(FOLDER).read("a") == b"three"
        assert sorted(os.listdir(FOLDER)) == ["a", "witness"]
        storage.write("witness/a", b"seen")
        assert storage.read("witness/a") == b"seen"
        assert storage.read("a") == b"three"
        os.remove(FOLDER + "/witness/a")

    in_folder(test)


def test_what_a_torn_write_leaves_is_not_read():
    def test(storage):
        storage.write("a", b"whole")
        with open(FOLDER + "/a.tmp", "wb") as file:
            file.write(b"to")
        assert storage.read("a") == b"whole"
        storage.write("a", b"new")
        assert storage.read("a") == b"new"

    in_folder(test)


def test_an_unreadable_file_is_an_error_and_no_absence():
    def test(storage):
        os.mkdir(FOLDER + "/a")
        expect_storage_error(storage.read, "a")
        expect_storage_error(storage.write, "a", b"x")

    in_folder(test)


def test_a_file_that_is_too_large_is_an_error():
    def test(storage):
        with open(FOLDER + "/a", "wb") as file:
            file.write(bytes(MAX_FILE_BYTES + 1))
        expect_storage_error(storage.read, "a")
        storage.write("b", bytes(MAX_FILE_BYTES))
        assert len(storage.read("b")) == MAX_FILE_BYTES

    in_folder(test)


def test_a_folder_that_cannot_be_made_is_an_error():
    expect_storage_error(FolderStorage, FOLDER + "/not/there")
