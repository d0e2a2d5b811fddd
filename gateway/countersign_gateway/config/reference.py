"""The page of all settings, written from sections.py.

python -m countersign_gateway.config.reference write|check gateway/CONFIGURATION.md
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import get_args, get_origin

from countersign_gateway.config.sections import GatewayToml, Setting, settings_of

_HEAD = """\
# gateway.toml

Every setting of the gateway. `countersign site init` writes a file that works; this page says what
else can stand in it. The gateway refuses to start with a setting that it does not know, and names
everything that is wrong at once. It reads this file at its start only: stop it and start it again
after a change. How it is run: [OPERATIONS.md](OPERATIONS.md).

This page is generated: `python -m countersign_gateway.config.reference write
gateway/CONFIGURATION.md`.
"""


def page() -> str:
    """The whole page."""
    return _HEAD + "".join(_section("", setting) for setting in settings_of(GatewayToml))


def _section(parent: str, setting: Setting) -> str:
    if setting.section is None:
        raise TypeError("only a section has a heading")
    name = f"{parent}{setting.name}"
    inner = settings_of(setting.section)
    values = [one for one in inner if one.section is None]
    text = ""
    if values:
        text += f"\n## {_heading(name, setting)}\n\n{setting.info.description}"
        text += "\n\n| setting | value | default | |\n|---|---|---|---|\n"
        text += "".join(f"{row}\n" for row in _rows(values))
    for one in inner:
        if one.section is not None:
            text += _section(f"{name}.", one)
    return text


def _heading(name: str, setting: Setting) -> str:
    is_list = any(get_origin(part) is tuple for part in (setting.hint, *get_args(setting.hint)))
    return f"[[{name}]]" if is_list else f"[{name}]"


def _rows(settings: Sequence[Setting]) -> Iterator[str]:
    for setting in settings:
        cells = (f"`{setting.name}`", setting.meaning, _default(setting))
        yield f"| {' | '.join(cells)} | {setting.info.description} |"


def _default(setting: Setting) -> str:
    default = setting.info.default
    if setting.info.is_required():
        return "**required**"
    if default is None or default == ():
        return "none"
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    return f"`{default:g}`" if isinstance(default, float) else f"`{default}`"


def main(arguments: Sequence[str]) -> int:
    """Exit status: 1 if `check` finds that the page on disk differs, 2 on misuse."""
    if len(arguments) != 2 or arguments[0] not in ("write", "check"):
        print("usage: reference write|check PATH", file=sys.stderr)
        return 2
    path = Path(arguments[1])
    if arguments[0] == "write":
        path.write_text(page(), encoding="utf-8")
        return 0
    if not path.exists() or path.read_text(encoding="utf-8") != page():
        print(f"{path} is not what the settings say: write it anew (see its head)")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
