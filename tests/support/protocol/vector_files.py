"""Reads the committed test vectors, in the same way on every runtime."""

import json


def folder():
    return __file__.replace("\\", "/").rsplit("/", 3)[0] + "/vectors/"


def load(name):
    """Content of tests/vectors/<name>.json."""
    with open(folder() + name + ".json") as file:
        return json.load(file)


def cases(name):
    """The entries of a list in tests/vectors/<name>.json that has each on a line of its own."""
    with open(folder() + name + ".json") as file:
        for line in file:
            if line.startswith("{"):
                yield json.loads(line.rstrip().rstrip(","))


def value_of(described):
    """A CBOR value from its description. JSON has no bytes, integer keys or large integers."""
    if not isinstance(described, dict):
        return described
    for kind, content in described.items():
        if kind == "int":
            return int(content)
        if kind == "bytes":
            return bytes.fromhex(content)
        if kind == "text":
            return content
        if kind == "list":
            return [value_of(entry) for entry in content]
        if kind == "map":
            return dict([(value_of(key), value_of(entry)) for key, entry in content])
    raise ValueError("no such kind of value")


def open_official(name):
    """An official vector file opened for reading, or None if there is none.

    COUNTERSIGN_VECTORS names the folder; without it, `shared/vectors` beside the repository.
    """
    import os

    given = os.getenv("COUNTERSIGN_VECTORS") if hasattr(os, "getenv") else None
    # This goes up folder by folder, because on MicroPython this file's path may be relative.
    path = given or folder() + "../../../shared/vectors"
    try:
        return open(path + "/" + name)
    except OSError:
        return None
