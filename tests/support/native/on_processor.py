"""The arithmetic as it is compiled for each architecture, called on its processor.

x64 runs on this machine, the others under Debian's qemu-user. The instruction set is the board's,
but nothing else is. Arm is limited to the instructions of a Cortex-M0 or M3. Xtensa runs on a core
with register windows (dc233c). QEMU has no LX6 and no core with both windows and MULUH, so the
build replaces MULUH alone (firmware/native/windowed.py, without-muluh).
"""

import struct
import subprocess
from dataclasses import replace

import pytest

from countersign_workshop.images import native
from countersign_workshop.parts import micropython, processors
from support.native.parts import HERE, or_skip

# The functions, in the order in which calls.c numbers them.
FUNCTIONS = (
    *("field_multiply", "field_square", "field_add", "field_subtract", "field_halve"),
    *("field_square_times", "field_multiply_small", "field_negate", "field_invert"),
    *("field_normalize", "field_is_zero", "field_from_bytes", "field_inverse_root_variable"),
    *("scalar_from_bytes", "scalar_negate", "scalar_multiply_add", "scalar_from_signed"),
    *("scalar_make_odd", "scalar_is_zero"),
    *("words_add", "words_subtract", "words_multiply", "words_are_zero"),
    *("prover_generate", "prover_commit", "prover_respond", "prover_linear", "prover_add"),
    *("point_table_make", "point_table_scale", "pair_table_make_variable"),
    *("eisenstein_from_scalar", "eisenstein_to_scalar", "eisenstein_half_size"),
    *("eisenstein_pair_digits", "eisenstein_generator_digits"),
    *("verifier_lift_x", "verifier_combine", "verifier_equation"),
)
CALLS = HERE / "calls.c"
_ARM_CORES = {"armv6m": "cortex-m0", "armv7m": "cortex-m3"}
_WORD, _BUFFER, _SAME, _HIDDEN = range(4)
# These values are the same in calls.c.
_LOOK, _STACK_BYTES, UNTOUCHED = 0x80000000, 8192, 0x5A

ARCHITECTURES = tuple(sorted(native.TARGETS))


class Same(int):
    """An argument: the address of an earlier argument, given by its number."""


class Hidden(bytes):
    """An argument: a buffer whose content memcheck treats as undefined."""


class Processor:
    """One architecture's arithmetic, in a program that runs until `close`.

    program: from `build`. under: a command that runs it, if the processor alone does not.
    """

    def __init__(self, architecture, program, under=()):
        self.architecture = architecture
        start = [*under, *or_skip(lambda: _start(architecture))]
        self._child = subprocess.Popen(
            [*start, program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=-1
        )

    def call(self, name, *arguments, out=(0,)):
        """(the function's return value, the bytes of the buffers numbered in `out`).

        Bytes are passed as a buffer, an integer as a word.
        """
        return self._call(0, name, arguments, out)

    def call_and_look(self, name, *arguments):
        """The call's stack after it, from the top downwards, UNTOUCHED where it wrote nothing."""
        self._call(_LOOK, name, arguments, ())
        return self._read(_STACK_BYTES)

    def _call(self, look, name, arguments, out):
        request = [struct.pack("<II", FUNCTIONS.index(name) | look, len(arguments))]
        for argument in arguments:
            if isinstance(argument, bytes):
                kind = _HIDDEN if isinstance(argument, Hidden) else _BUFFER
                request.append(struct.pack("<II", kind, len(argument)) + argument)
            else:
                kind = _SAME if isinstance(argument, Same) else _WORD
                request.append(struct.pack("<II", kind, argument))
        self._child.stdin.write(b"".join(request))
        self._child.stdin.flush()
        (returned,) = struct.unpack("<I", self._read(4))
        buffers = {
            number: self._read(len(argument))
            for number, argument in enumerate(arguments)
            if isinstance(argument, bytes)
        }
        return returned, *(buffers[number] for number in out)

    def close(self, expected_status=0):
        self._child.stdin.close()
        self._child.stdout.close()
        assert self._child.wait(10) == expected_status

    def _read(self, size):
        data = self._child.stdout.read(size)
        assert len(data) == size, f"{self.architecture} stopped, status {self._child.wait(10)}"
        return data


def build(architecture, folder, *flags):
    """Build the program around one architecture's arithmetic. flags: for compiling calls.c."""
    target = replace(native.TARGETS[architecture], muluh=False)
    objects = or_skip(lambda: native.compile_units(target, folder))
    names = folder / "functions.c"
    names.write_text(
        "".join(f"extern unsigned {name}(void);\n" for name in FUNCTIONS)
        + f"const unsigned function_count = {len(FUNCTIONS)};\n"
        + f"void *const functions[] = {{{', '.join(FUNCTIONS)}}};\n",
        encoding="ascii",
    )
    objects.append(native.compile_unit(target, folder, names))
    objects.append(native.compile_unit(target, folder, CALLS, *flags))
    program = folder / "calls.elf"
    machine = [flag for flag in target.flags if not flag.startswith("--specs")]
    link = [f"{target.compiler()}gcc", *machine, "-static", "-nostdlib", "-Wl,-e,_start"]
    # Xtensa's linker warns about an ABI that it does not expect. Only a failure shows its output.
    linked = subprocess.run(
        [*link, *map(str, objects), "-o", program],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert linked.returncode == 0, linked.stdout
    return program


def _start(architecture):
    """The command that starts a program of this architecture here, without the program's path."""
    if architecture == "x64":
        if micropython.host_runtime() != architecture:
            pytest.skip("this machine does not run x64 programs")
        return []
    if architecture.startswith("arm"):
        return [micropython.qemu_arm(), "-cpu", _ARM_CORES[architecture]]
    if architecture == "rv32imc":
        return [processors.program("riscv32"), "-cpu", "rv32"]
    return [processors.program("xtensa"), "-cpu", "dc233c"]
