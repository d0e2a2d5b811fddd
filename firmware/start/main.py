"""An image runs this after its start: it starts the agent if the board has a configuration.

Without /countersign.json the board runs its own /main.py, if it has one, and then shows the prompt.
With it, or with files that cannot be read, the board may hold keys. Then no byte on a line leads to
the prompt, whatever happens: only the door does (countersign_agent/service.py), and here, where no
settings can be read, the BOOTSEL button alone. An unexpected fault resets the board after a pause.
"""

import machine
import micropython

_PAUSE_MS = 60000
_SAY_AGAIN_MS = 10000
_LOOK_EVERY_MS = 100


def _start():
    """Whether the board is no device. If it is one, this returns for the prompt alone."""
    import os
    import sys

    # The module is loaded only where the image mounts the files itself (rp2/_boot.py).
    board_files = sys.modules.get("board_files")
    if board_files is not None and not board_files.are_mounted():
        _say_until_button(board_files.UNREADABLE)
        return False
    if "countersign.json" not in os.listdir("/"):
        return True
    from countersign_agent import restart

    restart.run("/countersign.json")
    return False


def _say_until_button(sentence):
    import time

    import rp2

    left_ms = 0
    while not rp2.bootsel_button():
        if left_ms <= 0:
            print(sentence)
            left_ms = _SAY_AGAIN_MS
        time.sleep_ms(_LOOK_EVERY_MS)
        left_ms -= _LOOK_EVERY_MS


def _reset_later(error):
    """Say what happened, if memory allows that, and reset the board."""
    try:
        import sys
        import time

        sys.print_exception(error)
        time.sleep_ms(_PAUSE_MS)
    finally:
        machine.reset()


try:
    # The first byte on the line may be a gateway's, and it can be that of Ctrl-C.
    micropython.kbd_intr(-1)
    _is_no_device = _start()
except BaseException as _error:  # noqa: BLE001 - nothing may end in the prompt
    _reset_later(_error)

micropython.kbd_intr(3)
if _is_no_device:
    import os

    if "main.py" in os.listdir("/"):
        # MicroPython starts a frozen main.py, which is this file, instead of the board's own.
        execfile("/main.py")  # noqa: F821 - a built-in function of MicroPython
