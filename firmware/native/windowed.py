"""Rewrites compiled Xtensa assembly for an assembler that lacks the windowed instructions.

    python windowed.py INPUT OUTPUT [without-muluh]

Debian's Xtensa compiler is configured for the LX106, which has neither register windows nor MULUH.
With -mabi=windowed it still generates both for the LX6 and LX7, but its assembler refuses them.
This program writes their bytes (Xtensa Instruction Set Architecture Reference Manual, 2010).

without-muluh is for tests: no core that QEMU knows has both windows and MULUH. Each MULUH, three
bytes, becomes a jump of three bytes to code at the end that multiplies by halves of words. All
other code stays as it is.
"""

import re
import sys


def _bytes(code, size):
    return "\t.byte " + ", ".join(f"0x{code >> 8 * i & 0xFF:02x}" for i in range(size))


def _register(name):
    return 1 if name == "sp" else int(name[1:])


def rewritten(line):
    """The lines that replace one line."""
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
        # The address is in the new window's first register: a literal, which can be linked.
        register = int(name[4:])
        return [
            f"\tmovi a{register}, {operands[0]}",
            _bytes(register << 8 | 3 << 6 | register // 4 << 4, 3),
        ]
    return [line]


def without_muluh(lines):
    """The same lines, with MULL in place of MULUH."""
    body, products = [], ["\t.text"]
    for line in lines:
        words = re.sub(r"[#,]", " ", line).split()
        if words[:1] != ["muluh"]:
            body.append(line)
            continue
        number = len(products)
        body += [f"\tj .Lproduct{number}", f".Lafter{number}:"]
        products += [f".Lproduct{number}:", *_high_half(*words[1:4]), f"\tj .Lafter{number}"]
    return body + products


def _high_half(to, first, second):
    """Instructions for the upper half of a product, which change `to` and nothing else.

    They use memory below the stack pointer, since nothing interrupts a program under qemu-user.
    """
    taken = (to, first, second)
    spare = [name for name in (f"a{i}" for i in range(2, 16)) if name not in taken][:6]
    a, b, c, d, e, f = spare
    slots = [f"{name}, sp, {4 * i}" for i, name in enumerate(spare)]
    code = ["addi sp, sp, -64", *(f"s32i {slot}" for slot in slots)]
    code += [f"extui {a}, {first}, 0, 16", f"extui {b}, {first}, 16, 16"]
    code += [f"extui {c}, {second}, 0, 16", f"extui {d}, {second}, 16, 16"]
    code += [f"mull {e}, {a}, {c}", f"extui {e}, {e}, 16, 16"]
    code += [f"mull {f}, {b}, {c}", f"add {e}, {e}, {f}"]
    code += [f"extui {f}, {e}, 0, 16", f"mull {a}, {a}, {d}", f"add {a}, {a}, {f}"]
    code += [f"extui {a}, {a}, 16, 16", f"extui {e}, {e}, 16, 16"]
    code += [f"mull {b}, {b}, {d}", f"add {b}, {b}, {e}", f"add {b}, {b}, {a}"]
    code += [f"s32i {b}, sp, 24", *(f"l32i {slot}" for slot in slots), f"l32i {to}, sp, 24"]
    return [f"\t{line}" for line in [*code, "addi sp, sp, 64"]]


def main(source, target, muluh=True):
    with open(source, encoding="ascii") as file:
        lines = [line.rstrip("\n") for line in file]
    if not muluh:
        lines = without_muluh(lines)
    with open(target, "w", encoding="ascii") as file:
        file.write("\n".join(new for line in lines for new in rewritten(line)) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], muluh=sys.argv[3:] != ["without-muluh"])
