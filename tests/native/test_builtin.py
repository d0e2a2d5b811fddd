"""The engine as a part of an image has the same face as the loadable module."""

import re

from countersign_tools import native


def test_the_image_and_the_module_name_the_same_functions() -> None:
    module = (native.SOURCES / "module.c").read_text(encoding="utf-8")
    builtin = (native.SOURCES / "builtin.c").read_text(encoding="utf-8")
    stored = re.findall(r"mp_store_global\(MP_QSTR_(\w+), MP_OBJ_\w+\(&?(\w+)\)\)", module)
    listed = re.findall(r"MP_QSTR_(\w+)\), MP_ROM_(?:PTR|INT)\(&?(\w+)\)", builtin)
    assert len(stored) >= 10
    assert listed == stored
