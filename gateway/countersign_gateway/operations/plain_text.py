"""Makes text from outside fit to print.

Names in a captured message, cells of a table, answers of a board and the sentences that quote them
may hold escape sequences, which a terminal would obey, or characters that turn the line around.
Every program of ours passes such text through `printable` before it prints it. The event log and
the status file need none of it: JSON escapes what is not ASCII.
"""

from __future__ import annotations


def printable(text: str) -> str:
    """`text` with everything but printable characters and plain spaces written as \\uXXXX.

    A backslash of the text itself is doubled where something was escaped, so that nobody can make
    a text look escaped that was not.
    """
    if text.isprintable():
        return text
    return "".join(_escaped(character) for character in text)


def printable_lines(text: str) -> str:
    """As `printable`, for a text whose line breaks are meant, such as a board's traceback."""
    return "\n".join(printable(line) for line in text.split("\n"))


def _escaped(character: str) -> str:
    if character == "\\":
        return "\\\\"
    if character.isprintable():
        return character
    number = ord(character)
    return f"\\u{number:04x}" if number <= 0xFFFF else f"\\U{number:08x}"
