"""Turns every fault of a gateway.toml into one sentence with the setting's full name."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from pydantic_core import ErrorDetails

from countersign_gateway.config.sections import SECTION_MISSING, GatewayToml, Setting, settings_of
from countersign_gateway.model import OperatorError

_Place = tuple[int | str, ...]  # the path from the file's root to the setting; a number is an index
_NOT_A_SETTING = "unexpected_keyword_argument"


class ConfigError(OperatorError):
    """The configuration cannot be used. faults: one sentence for each fault.

    The text of the exception is these sentences, one on each line.
    """

    def __init__(self, *faults: str) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


def sentences(errors: Sequence[ErrorDetails]) -> list[str]:
    """One sentence for each of pydantic's errors. A missing name and its misspelling give one
    sentence together."""
    surplus: dict[_Place, list[str]] = {}
    for error in errors:
        if error["type"] == _NOT_A_SETTING:
            *parent, key = error["loc"]
            surplus.setdefault(tuple(parent), []).append(str(key))
    found: list[str] = []
    # pydantic reports the missing names of a section before its unknown ones.
    for error in errors:
        *parent, key = error["loc"]
        left_over = surplus.get(tuple(parent), [])
        if error["type"] in ("missing", SECTION_MISSING):
            found.append(_missing(tuple(parent), str(key), left_over))
        elif error["type"] != _NOT_A_SETTING:
            found.append(_wrong(error))
        elif str(key) in left_over:
            found.append(_not_a_setting(tuple(parent), str(key)))
    return found


def _missing(parent: _Place, key: str, left_over: list[str]) -> str:
    """The sentence for a missing name; it takes a likely misspelling out of `left_over`."""
    near = next(iter(difflib.get_close_matches(key, left_over, 1)), None)
    if near is not None:
        left_over.remove(near)
    if _settings(parent)[key].section is not None:
        hint = f" (is [{_full(parent, near)}] meant to be it?)" if near is not None else ""
        return f"the section [{_full(parent, key)}] is missing{hint}"
    if near is not None:
        return f"{_full(parent, near)} is not a setting; did you mean {_full(parent, key)}?"
    return f"{_full(parent, key)} is missing"


def _not_a_setting(parent: _Place, key: str) -> str:
    near = difflib.get_close_matches(key, _settings(parent), 1)
    hint = f"; did you mean {_full(parent, near[0])}?" if near else ""
    return f"{_full(parent, key)} is not a setting{hint}"


def _wrong(error: ErrorDetails) -> str:
    place = error["loc"]
    if error["type"] == "value_error":
        return f"{_full(place)} {error['ctx']['error']}"
    if error["type"] == "tuple_type" or isinstance(place[-1], int):
        return f"{_full(place)} must be sections of the form [[{_full(place)}]]"
    return f"{_full(place)} must be a section, not a value"


def _settings(place: _Place) -> dict[str, Setting]:
    """The settings of the section at `place`, by name."""
    section: type = GatewayToml
    for key in place:
        if isinstance(key, str):
            inner = _by_name(section)[key].section
            if inner is None:
                raise LookupError("not the place of a section")
            section = inner
    return _by_name(section)


def _by_name(section: type) -> dict[str, Setting]:
    return {setting.name: setting for setting in settings_of(section)}


def _full(place: _Place, *keys: str) -> str:
    """The full name of a setting as people know it; from a list's second section on, numbered."""
    name = ""
    for key in (*place, *keys):
        if isinstance(key, str):
            name += f".{key}" if name else key
        elif key > 0:
            name += f"[{key + 1}]"
    return name
