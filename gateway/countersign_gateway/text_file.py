"""Reads the texts that people write: UTF-8 or UTF-16, with or without a byte order mark.

An editor or a spreadsheet chooses the encoding, and its user does not see it. What a mark or the
bytes themselves show is read. What could be one of several encodings is refused, because a guess
would change a password without a word.
"""

from __future__ import annotations

import codecs
from pathlib import Path

# UTF-32 comes first, because its mark begins with that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def read_text(path: Path) -> str:
    """The text of a file, without a mark, and with newlines as \\n.

    ValueError with a clause that names the encoding, OSError if the file cannot be read.
    """
    return decode(path.read_bytes())


def decode(data: bytes) -> str:
    """As `read_text`, from bytes."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _newlines(_decoded(data, encoding))
    if b"\0" in data:
        raise ValueError("is UTF-16 without a byte order mark, or no text: save it as UTF-8")
    return _newlines(_decoded(data, "utf-8"))


def _decoded(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as fault:
        line = data[: fault.start].count(b"\n") + 1
        if encoding != "utf-8":
            raise ValueError(f"is damaged {encoding.removesuffix('-sig').upper()}") from None
        raise ValueError(
            f"is not UTF-8 (line {line}), and looks like Latin-1 or Windows-1252: save it as UTF-8"
        ) from None


def _newlines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")
