"""Texts as people's editors and spreadsheets write them are read, or refused in a clause."""

from pathlib import Path

import pytest

from countersign_gateway import text_file

TEXT = 'name,port\n"Küche, 2",/dev/ttyACM0\n'


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_what_is_read(tmp_path: Path, encoding: str, newline: str) -> None:
    path = tmp_path / "boards.csv"
    path.write_bytes(TEXT.replace("\n", newline).encode(encoding))
    assert text_file.read_text(path) == TEXT


@pytest.mark.parametrize(
    ("data", "clause"),
    [
        (TEXT.encode("latin-1"), "is not UTF-8 (line 2), and looks like Latin-1 or Windows-1252"),
        (TEXT.encode("utf-16-le"), "is UTF-16 without a byte order mark, or no text"),
        (b"\xff\xfea", "is damaged UTF-16"),
        (b"\xef\xbb\xbf\xff", "is damaged UTF-8"),
    ],
)
def test_what_is_refused(data: bytes, clause: str) -> None:
    with pytest.raises(ValueError, match=r"^is ") as refused:
        text_file.decode(data)
    assert clause in str(refused.value)
