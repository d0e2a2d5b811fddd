"""What an image runs when it has started: the agent, if somebody has configured this board.

Without /countersign.json the board is anyone's: its own /main.py runs, if it has one, and then
comes the prompt. Return and Ctrl-C lead there from the agent (its transports/serial_stream.py).
After a fault the board starts anew (countersign_agent/restart.py), with a pause before in which
Ctrl-C leads there too, so that no configuration makes a board unreachable.

A board whose files cannot be read says so, again and again, until Ctrl-C: whoever connects to it
comes after it has started.
"""

_SAY_AGAIN_MS = 10000


def _start():
    import os
    import sys

    # Only where the image mounts the files itself (rp2/_boot.py).
    board_files = sys.modules.get("board_files")
    if board_files is not None and not board_files.are_mounted():
        _say_until_heard(board_files.UNREADABLE)
    files = os.listdir("/")
    if "countersign.json" in files:
        _start_agent()
    elif "main.py" in files:
        # This file has taken its place in MicroPython's start: a frozen one goes first.
        execfile("/main.py")  # noqa: F821 - a built-in function of MicroPython


def _say_until_heard(sentence):
    import time

    while True:
        print(sentence)
        time.sleep_ms(_SAY_AGAIN_MS)


def _start_agent():
    import micropython

    # The line may be the gateway's from the first byte on, and Ctrl-C is a byte of its frames.
    micropython.kbd_intr(-1)
    try:
        from countersign_agent import restart

        restart.run("/countersign.json")
    finally:
        micropython.kbd_intr(3)


_start()
