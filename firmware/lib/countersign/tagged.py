"""Domain separation: a separate SHA-256 for every purpose (BIP-340, "Design")."""

import hashlib

# A protocol has a few dozen tags, all constants, so this stays small. Each value is the first
# SHA-256 block of every hash under that tag.
_prefixes = {}


def tagged_hash(tag: str) -> object:
    """An open SHA-256 under `tag`, to which the caller adds input piece by piece."""
    return hashlib.sha256(_prefixes.get(tag) or _prefix(tag))


def tagged_sha256(tag: str, *parts: bytes) -> bytes:
    """sha256(sha256(tag) ‖ sha256(tag) ‖ parts…): 32 bytes.

    `tag` must be a constant of the program, never input. This joins the parts without delimiters.
    A caller that passes several parts must give them fixed widths, or an encoding that delimits
    itself.
    """
    hash = hashlib.sha256(_prefixes.get(tag) or _prefix(tag))
    for part in parts:
        hash.update(part)
    return hash.digest()


def _prefix(tag):
    tag_digest = hashlib.sha256(tag.encode()).digest()
    prefix = _prefixes[tag] = tag_digest + tag_digest
    return prefix
