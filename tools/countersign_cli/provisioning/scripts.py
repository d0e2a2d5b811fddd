"""MicroPython sources that provisioning sends to the board's prompt and does not install.

Each of them prints one JSON value on its last line. They need nothing but stock MicroPython.
"""

from __future__ import annotations

TOOLS = """\
import sys, os, json, binascii, hashlib
def _digest(path):
    try:
        file = open(path, 'rb')
    except OSError as error:
        if error.errno == 2:
            return None
        raise
    digest = hashlib.sha256()
    with file:
        while True:
            part = file.read(512)
            if not part:
                return binascii.hexlify(digest.digest()).decode()
            digest.update(part)
def _list(folder):
    try:
        return sorted(os.listdir(folder))
    except OSError as error:
        if error.errno == 2:
            return []
        raise
def _files(folder):
    found = []
    for name in _list(folder):
        path = folder + '/' + name
        if os.stat(path)[0] & 0x4000:
            found += _files(path) + [path + '/']
        else:
            found.append(path)
    return found
def _begin(path):
    global _file
    folder = ''
    for part in path.split('/')[1:-1]:
        folder += '/' + part
        try:
            os.mkdir(folder)
        except OSError as error:
            if error.errno != 17:
                raise
    _file = open(path + '.tmp', 'wb')
def _write(text):
    _file.write(binascii.a2b_base64(text))
def _commit(path, digest):
    _file.flush()
    _file.close()
    if _digest(path + '.tmp') != digest:
        raise ValueError('what was written is not what was sent')
    os.rename(path + '.tmp', path)
def _remove(path):
    try:
        if path.endswith('/'):
            os.rmdir(path[:-1])
        else:
            os.remove(path)
    except OSError as error:
        if error.errno != 2:
            raise
"""

# Importing the whole agent would exhaust a board's memory. The package itself has the version.
LOOK = """\
import machine, vfs
def _module(name):
    try:
        return getattr(__import__(name), '__file__', '')
    except ImportError:
        return None
def _first_line(path):
    try:
        with open(path, 'rb') as file:
            return file.read(80).split(b'\\n')[0]
    except OSError as error:
        if error.errno != 2:
            raise
        return None
def _configured():
    try:
        with open('/countersign.json') as file:
            return json.load(file).get('device_id')
    except (OSError, ValueError, AttributeError):
        return None
_has_files = '/' in [place for _, place in vfs.mount()]
_main = _first_line('/main.py') if _has_files else None
print(json.dumps({
    'machine': sys.implementation._machine,
    'micropython': '.'.join([str(n) for n in sys.implementation.version[:3]]),
    'mpy': getattr(sys.implementation, '_mpy', 0),
    'unique_id': binascii.hexlify(machine.unique_id()).decode(),
    'file_systems': [[str(kind), place] for kind, place in vfs.mount()],
    'has_files': _has_files,
    'can_erase': 'board_files' in sys.modules,
    'main': None if _main is None else binascii.hexlify(_main).decode(),
    'config': _digest('/countersign.json') if _has_files else None,
    'configured': _configured() if _has_files else None,
    'agent_file': _module('countersign_agent'),
    'agent_version': getattr(sys.modules.get('countersign_agent'), '__version__', None),
    'native_file': _module('countersign_native'),
}))
"""

DIGESTS = "print(json.dumps([_digest(path) for path in {paths!r}]))"
FILES = "print(json.dumps(_files({folder!r})))"
REMOVE = "_remove({path!r})"
RENAME = "os.rename({old!r}, {new!r})\nprint(json.dumps(_digest({new!r})))"

# LittleFS keeps a folder in two blocks: the newest state, and the state from before the folder was
# last written afresh. LittleFS falls back to the older state if the newest goes bad, so the older
# one must hold the device as well. SETTLE therefore writes small files into the root until its
# block is full. A block of 4096 bytes holds 16 writes of 256 bytes (RP2040, RP2350), and more where
# flash is programmed in smaller pieces.
SETTLE = """\
for _ in range(7 if sys.platform == 'rp2' else 20):
    with open('/settling.tmp', 'wb') as file:
        file.write(bytes(100))
    os.remove('/settling.tmp')
"""

# A single rename takes the whole identity away, so no start of the agent sees half of it.
ABANDON = """\
_old = {folder!r} + '.abandoned'
def _empty(folder):
    for name in _list(folder):
        if os.stat(folder + '/' + name)[0] & 0x4000:
            _empty(folder + '/' + name)
        else:
            os.remove(folder + '/' + name)
    try:
        os.rmdir(folder)
    except OSError as error:
        if error.errno != 2:
            raise
_empty(_old)
try:
    os.rename({folder!r}, _old)
except OSError as error:
    if error.errno != 2:
        raise
_empty(_old)
"""

DEVICE = "from countersign_agent import provisioning\nprovisioning.{call}"

ERASE_FILES = "import board_files, rp2\nboard_files.erase(rp2.Flash())"

RESET = "import machine\nmachine.reset()"
