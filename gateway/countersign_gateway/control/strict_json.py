"""JSON from outside, read strictly: no key twice, whole numbers only, and never deep.

Python's own parser calls itself for each level, so a text of brackets alone could end the process.
"""

from __future__ import annotations

import json
import re
from typing import Any

MOST_LEVELS = 8
_MARKS = re.compile(r'[][{}"\\]')


def loads(text: str) -> Any:
    """The value of the text. ValueError, whose text quotes nothing, if it is refused."""
    if _levels(text) > MOST_LEVELS:
        raise ValueError("the JSON is nested too deeply")
    try:
        return json.loads(
            text, object_pairs_hook=_object, parse_float=_no_number, parse_constant=_no_number
        )
    except ValueError:
        raise ValueError("this is not JSON as it is taken here") from None


def _levels(text: str) -> int:
    """The deepest nesting of arrays and objects, in one pass."""
    level = deepest = 0
    in_string = False
    escaped_at = -1
    for mark in _MARKS.finditer(text):
        character, place = mark[0], mark.start()
        if in_string:
            if place == escaped_at:
                continue
            if character == "\\":
                escaped_at = place + 1
            elif character == '"':
                in_string = False
        elif character == '"':
            in_string = True
        elif character in "[{":
            level += 1
            deepest = max(deepest, level)
        elif character in "]}":
            level -= 1
    return deepest


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a key is there twice")
    return value


def _no_number(_text: str) -> Any:
    raise ValueError("only whole numbers are taken")
