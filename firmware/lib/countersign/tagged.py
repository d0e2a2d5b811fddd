"""Domain separation: a SHA-256 of its own for every purpose (BIP-340, "Design")."""

import hashlib

# A protocol has a few dozen tags, all constants, so this stays small. What is kept is the first
# SHA-256 block of every hash under that tag.
_prefixes = {}


def tagged_hash(tag: str) -> object:
    """The hash under that tag, still to be fed: for input that is not there in one piece."""
    return hashlib.sha256(_prefixes.get(tag) or _prefix(tag))


def tagged_sha256(tag: str, *parts: bytes) -> bytes:
    """sha256(sha256(tag) ‖ sha256(tag) ‖ parts…): 32 bytes.

    `tag` must be a constant of the program, never input. The parts are joined without
    delimiters: a caller that passes several must give them fixed widths, or an encoding that
    delimits itself.
    """
    hash = hashlib.sha256(_prefixes.get(tag) or _prefix(tag))
    for part in parts:
        hash.update(part)
    return hash.digest()


def _prefix(tag):
    tag_digest = hashlib.sha256(tag.encode()).digest()
    prefix = _prefixes[tag] = tag_digest + tag_digest
    return prefix
