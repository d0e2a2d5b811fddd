"""An image runs this after its start: it starts the agent if the board has a configuration.

Without /countersign.json the board runs its own /main.py, if it has one, and then shows the prompt.
Return and Ctrl-C lead from the agent to the prompt (the agent's transports/serial_stream.py). After
a fault the board pauses and then resets (countersign_agent/restart.py). Ctrl-C leads to the prompt
during the pause too, so no configuration makes a board unreachable.

A board that cannot read its files repeats a message until Ctrl-C, because a person connects only
after the start.
"""

_SAY_AGAIN_MS = 10000


def _start():
    import os
    import sys

    # The module is loaded only where the image mounts the files itself (rp2/_boot.py).
    board_files = sys.modules.get("board_files")
    if board_files is not None and not board_files.are_mounted():
        _say_until_heard(board_files.UNREADABLE)
    files = os.listdir("/")
    if "countersign.json" in files:
        _start_agent()
    elif "main.py" in files:
        # MicroPython starts a frozen main.py, which is this file, instead of the board's own.
        execfile("/main.py")  # noqa: F821 - a built-in function of MicroPython


def _say_until_heard(sentence):
    import time

    while True:
        print(sentence)
        time.sleep_ms(_SAY_AGAIN_MS)


def _start_agent():
    import micropython

    # The line may carry a gateway's frames from the first byte on, and they can hold Ctrl-C.
    micropython.kbd_intr(-1)
    try:
        from countersign_agent import restart

        restart.run("/countersign.json")
    finally:
        micropython.kbd_intr(3)


_start()
