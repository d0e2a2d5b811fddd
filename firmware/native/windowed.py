"""Rewrites compiled Xtensa assembly for an assembler that lacks the windowed instructions.

    python windowed.py INPUT OUTPUT

Debian's Xtensa compiler is configured for the LX106, which has neither register windows nor MULUH.
With -mabi=windowed it generates both for the LX6 and LX7 all the same, but its assembler refuses
them: here each becomes its bytes (Xtensa Instruction Set Architecture Reference Manual, 2010).
"""

import re
import sys


def _bytes(code, size):
    return "\t.byte " + ", ".join(f"0x{code >> 8 * i & 0xFF:02x}" for i in range(size))


def _register(name):
    return 1 if name == "sp" else int(name[1:])


def rewritten(line):
    """The lines that stand for one."""
    words = re.sub(r"[#,]", " ", line).split()
    if not words:
        return [line]
    name, operands = words[0], words[1:]
    if name == "entry":
        return [_bytes(int(operands[1]) // 8 << 12 | _register(operands[0]) << 8 | 0x36, 3)]
    if name == "retw.n":
        return [_bytes(0xF01D, 2)]
    if name == "retw":
        return [_bytes(0x000090, 3)]
    if name == "movsp":
        to, source = map(_register, operands)
        return [_bytes(0x001000 | source << 8 | to << 4, 3)]
    if name == "muluh":
        to, first, second = map(_register, operands)
        return [_bytes(0xA20000 | to << 12 | first << 8 | second << 4, 3)]
    if name in ("callx4", "callx8", "callx12"):
        window = int(name[5:]) // 4
        return [_bytes(_register(operands[0]) << 8 | 3 << 6 | window << 4, 3)]
    if name in ("call4", "call8", "call12"):
        # By an address in the first register of the new window: a literal, which can be linked.
        register = int(name[4:])
        return [
            f"\tmovi a{register}, {operands[0]}",
            _bytes(register << 8 | 3 << 6 | register // 4 << 4, 3),
        ]
    return [line]


def main(source, target):
    with open(source, encoding="ascii") as file:
        lines = [new for line in file for new in rewritten(line.rstrip("\n"))]
    with open(target, "w", encoding="ascii") as file:
        file.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
