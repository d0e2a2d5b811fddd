"""A board's firmware for MicroPython as a process: its prompt, its files, its reset.

    micropython vm_board_main.py FOLDER UNIQUE_ID [raw]

FOLDER is the whole file system. Standard input and output are the board's serial port. They speak
the friendly and the raw REPL as pyexec.c does (raw-paste mode is answered with "no"). Exit status 3
asks for a reset, 4 for a soft reset that comes back in raw mode, 5 for the boot loader.
"""

import io
import os
import select
import sys
import time

import micropython
import vfs

FOLDER, UNIQUE_ID = sys.argv[1], bytes.fromhex(sys.argv[2])
RAW_AT_START = len(sys.argv) > 3

PROMPT = b">>> "
RAW_BANNER = b"raw REPL; CTRL-B to exit\r\n>"
RESET, SOFT_RESET, BOOT_LOADER = 3, 4, 5


class Machine:
    """The functions of a board's `machine` module that are used here."""

    @staticmethod
    def unique_id():
        return UNIQUE_ID

    @staticmethod
    def reset():
        sys.exit(RESET)

    @staticmethod
    def bootloader():
        sys.exit(BOOT_LOADER)


class Rp2:
    """The BOOTSEL button. It is held while this file is beside the board's folder."""

    @staticmethod
    def bootsel_button():
        try:
            os_stat(FOLDER + ".bootsel")
        except OSError:
            return 0
        return 1


class Interruptible:
    """`micropython` and `time` as on a board, where a byte on the line interrupts a sleep.

    A process is interrupted by a signal of its terminal, which a line in raw mode never sends.
    """

    character = 3

    @staticmethod
    def kbd_intr(character):
        Interruptible.character = character

    @staticmethod
    def sleep_ms(duration_ms):
        if Interruptible.character < 0:
            time.sleep_ms(duration_ms)
            return
        line = select.poll()
        line.register(sys.stdin.buffer, select.POLLIN)
        deadline_ms = time.ticks_add(time.ticks_ms(), duration_ms)
        while True:
            left_ms = time.ticks_diff(deadline_ms, time.ticks_ms())
            if left_ms <= 0:
                return
            if line.poll(left_ms) and sys.stdin.buffer.read(1) == bytes([Interruptible.character]):
                raise KeyboardInterrupt


def as_on_a_board(module, own):
    """A stand-in for a built-in module, with some of its functions replaced."""

    class StandIn:
        pass

    for name in dir(module):
        setattr(StandIn, name, getattr(module, name))
    for name in own:
        setattr(StandIn, name, getattr(Interruptible, name))
    return StandIn


class Files:
    """FOLDER as a whole file system.

    VfsPosix's own root cannot rename in MicroPython 1.25, because both names share one buffer.
    """

    def __init__(self):
        self._host = vfs.VfsPosix()

    def _path(self, path):
        return FOLDER + "/" + path.lstrip("/")

    def mount(self, readonly, mkfs):
        pass

    def umount(self):
        pass

    def chdir(self, path):
        pass

    def getcwd(self):
        return "/"

    def open(self, path, mode):
        return self._host.open(self._path(path), mode)

    def stat(self, path):
        return self._host.stat(self._path(path))

    def statvfs(self, path):
        return self._host.statvfs(self._path(path))

    def mkdir(self, path):
        self._host.mkdir(self._path(path))

    def rmdir(self, path):
        self._host.rmdir(self._path(path))

    def remove(self, path):
        self._host.remove(self._path(path))

    def rename(self, old, new):
        self._host.rename(self._path(old), self._path(new))

    def ilistdir(self, path):
        return self._host.ilistdir(self._path(path))


def say(data):
    sys.stdout.buffer.write(data)


def execute(source, name):
    """Run a source as a module of its own. Returns the traceback if it raises."""
    try:
        exec(compile(source, name, "exec"), GLOBALS)
    except SystemExit as asked:
        if asked.args and asked.args[0] in (RESET, BOOT_LOADER):
            sys.exit(asked.args[0])
    except (KeyboardInterrupt, Exception) as error:  # noqa: BLE001 - a prompt shows them all
        text = io.StringIO()
        sys.print_exception(error, text)
        return text.getvalue().replace("\n", "\r\n").encode()
    return b""


def serve(raw):
    line = b""
    while True:
        byte = sys.stdin.buffer.read(1)
        if not byte:
            sys.exit(RESET)
        if byte == b"\x01":
            raw, line = True, b""
            say(b"\r\n" + RAW_BANNER)
        elif byte == b"\x02":
            raw, line = False, b""
            say(b"\r\nMicroPython as a process, not a board\r\n" + PROMPT)
        elif byte == b"\x03":
            line = b""
            if not raw:
                say(b"\r\n" + PROMPT)
        elif byte == b"\x04":
            if not line:
                say(b"OK\r\nMPY: soft reboot\r\n" if raw else b"\r\nMPY: soft reboot\r\n")
                sys.exit(SOFT_RESET if raw else RESET)
            source, line = line, b""
            if raw:
                say(b"OK")
                traceback = execute(source, "<stdin>")
                say(b"\x04" + traceback + b"\x04>")
        elif raw and line == b"\x05A" and byte == b"\x01":
            line = b""
            say(b"R\x00")
        elif not raw and byte == b"\r":
            line = b""
            say(b"\r\n" + PROMPT)
        elif raw:
            line += byte
            if line == b"\x05A":
                if sys.stdin.buffer.read(1) == b"\x01":
                    say(b"R\x00")
                line = b""


micropython.kbd_intr(-1)
sys.modules["machine"] = Machine
sys.modules["rp2"] = Rp2
os_stat = vfs.VfsPosix().stat  # of the host's files, which the board's hide
sys.modules["micropython"] = as_on_a_board(micropython, ["kbd_intr"])
sys.modules["time"] = as_on_a_board(time, ["sleep_ms"])
vfs.umount("/")
vfs.mount(Files(), "/")
os.chdir("/")
sys.path[:] = ["", ".frozen", "/lib"]
sys.argv[:] = []
GLOBALS = {"__name__": "__main__"}
if RAW_AT_START:
    say(RAW_BANNER)
else:
    try:
        with open("/main.py", "rb") as file:
            main = file.read()
    except OSError:
        main = b""
    say(execute(main, "main.py"))
    say(b"\r\nMicroPython as a process, not a board\r\n" + PROMPT)
serve(RAW_AT_START)
