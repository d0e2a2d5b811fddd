"""Writes tables.h: the multiples of G that prover and verifier read from flash.

    python generate_tables.py OUTPUT

Comb (prover): COMB_BLOCKS tables of COMB_ENTRIES points. Entry i of block b is the sum over the
teeth t of ±2**((b * TEETH + t) * SPACING)·G. The last tooth has a plus. Each other tooth t has a
plus if bit t of i is set, else a minus. Pairs (verifier): a·G + b·2**64·G for the pairs (a, b) of
Eisenstein integers that eisenstein.h lists.
"""

import sys

P = 2**256 - 2**32 - 977
N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
G = (
    0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
    0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8,
)

BLOCKS = 4
TEETH = 5
SPACING = 13
LAMBDA = 0x5363AD4CC05C30E0A5261C028812645A122E22EA20816678DF02967C1B23BD72


def add(a, b):
    """The sum of two affine points, neither of them infinity nor opposite."""
    if a == b:
        slope = 3 * a[0] * a[0] * pow(2 * a[1], -1, P)
    else:
        slope = (b[1] - a[1]) * pow(b[0] - a[0], -1, P)
    x = (slope * slope - a[0] - b[0]) % P
    return x, (slope * (a[0] - x) - a[1]) % P


def times_g(k):
    """k·G for k that is not 0 modulo N."""
    k %= N
    result, power = None, G
    while k:
        if k & 1:
            result = power if result is None else add(result, power)
        power = add(power, power)
        k >>= 1
    return result


def comb_scalar(block, index):
    total = 0
    for tooth in range(TEETH):
        value = 1 << ((block * TEETH + tooth) * SPACING)
        total += value if tooth == TEETH - 1 or index >> tooth & 1 else -value
    return total


def pair_scalars():
    """a + b·2**64 for each pair, with λ for ω."""
    one, theta = 1, 1 - LAMBDA
    powers = [1, LAMBDA, LAMBDA**2]
    units = powers + [-power for power in powers]
    even = [0, *(2 * power for power in powers)]
    other = [*even, *units, *(theta * unit for unit in units)]
    pairs = [(a, b) for a in (one, theta) for b in other]
    pairs += [(a, b) for b in (one, theta) for a in even]
    return [a + (b << 64) for a, b in pairs]


def point_text(point):
    words = ["{{%s}}" % ", ".join(f"0x{n >> shift & 0xFFFFFFFF:08X}" for shift in range(0, 256, 32))
             for n in point]  # fmt: skip
    return "{" + ",\n     ".join(words) + "},\n"


def tables():
    """The text of tables.h."""
    entries = 1 << (TEETH - 1)
    pairs = pair_scalars()
    lines = [
        "// Made by generate_tables.py.\n",
        '#include "group.h"\n',
        f"#define COMB_BLOCKS {BLOCKS}\n",
        f"#define COMB_TEETH {TEETH}\n",
        f"#define COMB_SPACING {SPACING}\n",
        f"#define COMB_ENTRIES {entries}\n",
        "extern const affine comb[COMB_BLOCKS][COMB_ENTRIES];\n",
        f"extern const affine generator_pairs[{len(pairs)}];\n",
        "#ifdef DEFINE_TABLES\n",
        "const affine comb[COMB_BLOCKS][COMB_ENTRIES] = {\n",
    ]
    for block in range(BLOCKS):
        rows = [point_text(times_g(comb_scalar(block, index))) for index in range(entries)]
        lines += ["{", *rows, "},\n"]
    lines += ["};\n", f"const affine generator_pairs[{len(pairs)}] = {{\n"]
    lines += [point_text(times_g(scalar)) for scalar in pairs]
    lines += ["};\n", "#endif\n"]
    return "".join(lines)


if __name__ == "__main__":
    with open(sys.argv[1], "w", encoding="ascii") as output:
        output.write(tables())
