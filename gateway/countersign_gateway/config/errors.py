"""What is wrong with a gateway.toml, in sentences: all of it, each with the setting's full name."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from pydantic_core import ErrorDetails

from countersign_gateway.config.sections import SECTION_MISSING, GatewayToml, Setting, settings_of
from countersign_gateway.model import OperatorError

_Place = tuple[int | str, ...]  # from the file's root to the setting; a number is one of a list
_NOT_A_SETTING = "unexpected_keyword_argument"


class ConfigError(OperatorError):
    """The configuration cannot be used. faults: one sentence for each thing that is wrong.

    The text is those sentences, a line for each.
    """

    def __init__(self, *faults: str) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


def sentences(errors: Sequence[ErrorDetails]) -> list[str]:
    """One sentence for each error of pydantic's; a name that is missing and its misspelling are
    one error."""
    surplus: dict[_Place, list[str]] = {}
    for error in errors:
        if error["type"] == _NOT_A_SETTING:
            *parent, key = error["loc"]
            surplus.setdefault(tuple(parent), []).append(str(key))
    found: list[str] = []
    # pydantic names what is missing in a section before what is left over in it.
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
    """A misspelt name explains a missing one better; it is taken out of what is left over."""
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
    """The name by which people know a setting. Of several lines it says which, from the second."""
    name = ""
    for key in (*place, *keys):
        if isinstance(key, str):
            name += f".{key}" if name else key
        elif key > 0:
            name += f"[{key + 1}]"
    return name
