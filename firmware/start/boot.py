"""An image runs this in place of the board's own /boot.py, which it hides.

A /boot.py that fails or is interrupted would keep main.py from running, and leave the prompt. So
only a board that is no device runs its own.
"""

try:
    import micropython

    micropython.kbd_intr(-1)
    import os

    _files = os.listdir("/")
    _has_own = "boot.py" in _files and "countersign.json" not in _files
except BaseException:  # noqa: BLE001 - files that cannot be read are main.py's affair
    _has_own = False

if _has_own:
    micropython.kbd_intr(3)
    execfile("/boot.py")  # noqa: F821 - a built-in function of MicroPython
