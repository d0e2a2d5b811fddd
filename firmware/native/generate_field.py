"""Writes the assembly for the Cortex-M0+: the field's operations and the scan of a table.

    python generate_field.py OUTPUT

This program describes products, squares and halves in values, and thumb.py compiles them. The M0+
multiplies 32 by 32 bits to 32, so a full product of words takes four multiplications of halves, 17
instructions in all. With Karatsuba over 128 and 64 bits, 256 bits take 36 such products, not 64.

The file is longer than the usual limit, because the three products share their parts and the
registers that these leave.
"""

import sys

from thumb import Policy, Program

# These were the cheapest of some thousand that were tried with the orders of parts and sums below.
MULTIPLY_POLICY = Policy(clean=4, stacked=1.5, dirty=1, far=150, keep=True, overwrite=True)
SQUARE_POLICY = Policy(clean=3, stacked=2.5, dirty=0.75, far=80, keep=True, overwrite=True)

FOLD = 977  # p = 2**256 - 2**32 - FOLD


def product(m, a, b):
    """a * b as (low, high)."""
    a_low, a_high = m.low_half(a), m.right(a, 16)
    b_low, b_high = m.low_half(b), m.right(b, 16)
    low = m.multiply(a_low, b_low)
    cross = m.multiply(a_low, b_high)
    other = m.multiply(b_low, a_high)
    high = m.multiply(a_high, b_high)
    for middle in (cross, other):
        up, down = m.left(middle, 16), m.right(middle, 16)
        low = m.add(low, up)
        high = m.add_carry(high, down)
    return low, high


def square_word(m, a):
    low, high = m.low_half(a), m.right(a, 16)
    cross = m.multiply(low, high)
    low = m.multiply(low, low)
    high = m.multiply(high, high)
    up, down = m.left(cross, 17), m.right(cross, 15)
    return m.add(low, up), m.add_carry(high, down)


def multiply_2(m, a, b):
    """Two words by two words: four words."""
    r0, t1 = product(m, a[0], b[0])
    x0, x1 = product(m, a[1], b[0])
    r1 = m.add(t1, x0)
    zero = m.constant(0)
    t2 = m.add_carry(x1, zero)
    x0, x1 = product(m, a[0], b[1])
    r1 = m.add(r1, x0)
    t2 = m.add_carry(t2, x1)
    zero = m.constant(0)
    t3 = m.add_carry(zero, zero)
    x0, x1 = product(m, a[1], b[1])
    r2 = m.add(t2, x0)
    r3 = m.add_carry(t3, x1)
    return [r0, r1, r2, r3]


def square_2(m, a):
    r0, t1 = square_word(m, a[0])
    s2, s3 = square_word(m, a[1])
    x0, x1 = product(m, a[0], a[1])
    x0 = m.add(x0, x0)
    x1 = m.add_carry(x1, x1)
    zero = m.constant(0)
    x2 = m.add_carry(zero, zero)
    r1 = m.add(t1, x0)
    r2 = m.add_carry(s2, x1)
    r3 = m.add_carry(s3, x2)
    return [r0, r1, r2, r3]


def difference(m, a, b):
    """|a - b|, and all ones if a < b, else 0."""
    words = [m.subtract(a[0], b[0])]
    for x, y in zip(a[1:], b[1:], strict=True):
        words.append(m.subtract_borrow(x, y))
    mask = m.borrow_mask()
    # A negative difference becomes ~w + 1: w ^ mask, minus mask.
    flipped = [m.bit_xor(w, mask) for w in words]
    result = [m.subtract(flipped[0], mask)]
    for w in flipped[1:]:
        result.append(m.subtract_borrow(w, mask))
    return result, mask


def combine(m, low, high, middle, sign):
    """low + high * B² + (low + high - middle) * B, with B = 2**(32 * half). If sign is all ones,
    middle counts as negative."""
    half = len(low) // 2
    # low + high needs the sum of low's upper half and high's lower half twice, so it comes first.
    # The code then adds the other halves to it.
    first = [m.add(low[half], high[0])]
    for x, y in zip(low[half + 1 :], high[1:half], strict=True):
        first.append(m.add_carry(x, y))
    zero = m.constant(0)
    carry_first = m.add_carry(zero, zero)
    r1 = [m.add(first[0], low[0])]
    for x, y in zip(first[1:], low[1:half], strict=True):
        r1.append(m.add_carry(x, y))
    zero = m.constant(0)
    carry_1 = m.add_carry(carry_first, zero)
    r2 = [m.add(first[0], high[half])]
    for x, y in zip(first[1:], high[half + 1 :], strict=True):
        r2.append(m.add_carry(x, y))
    zero = m.constant(0)
    carry_2 = m.add_carry(carry_first, zero)
    # This subtracts middle by adding its complement and 1. If the sign is set, it adds middle.
    if sign is None:
        words = [m.subtract(r1[0], middle[0])]
        for x, y in zip((r1 + r2)[1:], middle[1:], strict=True):
            words.append(m.subtract_borrow(x, y))
        top = m.borrow_mask()
    else:
        # middle ^ ~sign is -middle - 1 for sign = 0. The carry in adds the 1.
        inverse = m.bit_not(sign)
        m.carry_from(inverse)
        words = []
        for x, y in zip(r1 + r2, middle, strict=True):
            words.append(m.add_carry(x, m.bit_xor(y, inverse)))
        zero = m.constant(0)
        top = m.add_carry(inverse, zero)
    # carry_1 belongs to the first word of the upper half, carry_2 and top above it.
    r1, r2 = words[:half], words[half:]
    out = [*low[:half], *r1]
    out.append(m.add(r2[0], carry_1))
    zero = m.constant(0)
    for x in r2[1:]:
        out.append(m.add_carry(x, zero))
    carry_2 = m.add_carry(carry_2, top)
    # This is the carry into the top half. In total it is never negative.
    out.append(m.add(high[half], carry_2))
    for x in high[half + 1 :]:
        zero = m.constant(0)
        out.append(m.add_carry(x, zero))
    return out


def karatsuba(m, a, b, multiply, order):
    """a * b, which have the same number of words. order: the order in which the low, high and
    middle products are made. It decides how many values do not fit into the registers."""
    half = len(a) // 2
    parts = {}
    for part in order:
        if part == "low":
            parts[part] = multiply(m, a[:half], b[:half])
        elif part == "high":
            parts[part] = multiply(m, a[half:], b[half:])
        else:
            a_difference, a_sign = difference(m, a[:half], a[half:])
            b_difference, b_sign = difference(m, b[:half], b[half:])
            sign = m.bit_xor(a_sign, b_sign)
            parts[part] = multiply(m, a_difference, b_difference)
    return combine(m, parts["low"], parts["high"], parts["middle"], sign)


def karatsuba_square(m, a, square, order):
    half = len(a) // 2
    parts = {}
    for part in order:
        if part == "low":
            parts[part] = square(m, a[:half])
        elif part == "high":
            parts[part] = square(m, a[half:])
        else:
            parts[part] = square(m, difference(m, a[:half], a[half:])[0])
    return combine(m, parts["low"], parts["high"], parts["middle"], None)


def multiply_4(m, a, b):
    return karatsuba(m, a, b, multiply_2, ("middle", "high", "low"))


def square_4(m, a):
    return karatsuba_square(m, a, square_2, ("middle", "high", "low"))


def reduce_and_store(m, wide):
    """Reduce 16 words to 8, by high * 2**256 = high * 2**32 + high * FOLD. Store at pointer 0."""
    low, high = wide[:8], wide[8:]
    words = []
    carry = None  # 27 bits for the next word
    factor = m.wide_constant(FOLD)
    for i in range(8):
        even = m.multiply(m.low_half(high[i]), factor)
        odd = m.multiply(m.right(high[i], 16), factor)
        if carry is not None:
            even = m.add(even, carry)  # a sum of 26 and 27 bits gives no carry
        up, carry = m.left(odd, 16), m.right(odd, 16)
        word = up
        if i > 0:
            word = m.add(word, high[i - 1])
            carry = m.add_carry(carry, m.constant(0))
        word = m.add(word, even)
        carry = m.add_carry(carry, m.constant(0))
        word = m.add(word, low[i])
        carry = m.add_carry(carry, m.constant(0))
        words.append(word)
    over = m.add(carry, high[7])
    zero = m.constant(0)
    over_high = m.add_carry(zero, zero)
    # over_high * 2^32 + over, below 2^33, times 2^32 + FOLD.
    even = m.multiply(m.low_half(over), factor)
    odd = m.multiply(m.right(over, 16), factor)
    top = m.multiply(over_high, factor)
    top = m.add(top, m.right(odd, 16))
    up = m.left(odd, 16)
    even = m.add(even, up)
    top = m.add_carry(top, m.constant(0))
    top = m.add(top, over)
    over_high = m.add_carry(over_high, m.constant(0))
    words[0] = m.add(words[0], even)
    words[1] = m.add_carry(words[1], top)
    words[2] = m.add_carry(words[2], over_high)
    for i in range(3, 8):
        words[i] = m.add_carry(words[i], m.constant(0))
        m.output(0, 4 * i, words[i])
    zero = m.constant(0)
    carry = m.add_carry(zero, zero)
    # After a carry the rest is below 2^68, so the addition of 2^32 + FOLD ends in the third word.
    even = m.multiply(carry, m.wide_constant(FOLD))
    words[0] = m.add(words[0], even)
    m.output(0, 0, words[0])
    words[1] = m.add_carry(words[1], carry)
    m.output(0, 4, words[1])
    words[2] = m.add_carry(words[2], m.constant(0))
    m.output(0, 8, words[2])


def multiply_program():
    m = Program("field_multiply", 3)
    a = [m.input(1, 4 * i) for i in range(8)]
    b = [m.input(2, 4 * i) for i in range(8)]
    reduce_and_store(m, karatsuba(m, a, b, multiply_4, ("high", "middle", "low")))
    return m


def square_program():
    m = Program("field_square", 2)
    a = [m.input(1, 4 * i) for i in range(8)]
    reduce_and_store(m, karatsuba_square(m, a, square_4, ("high", "middle", "low")))
    return m


def scan_program():
    """affine_scan(result, table, count, index), see group.h: four words of all entries at a time.

    r12 counts down from the index. The entry at which it borrows is the wanted one.
    """
    lines = [
        "\t.global affine_scan",
        "\t.type affine_scan, %function",
        "\t.thumb_func",
        "\t.balign 4",
        "affine_scan:",
        "\tpush {r0, r4-r7, lr}",
        "\tmov r4, r8",
        "\tmov r5, r9",
        "\tpush {r4, r5}",
        "\tmov r9, r3",
        "\tlsls r2, r2, #6",
        "\tmov lr, r2",
        "\tadds r2, r1",
        "\tmov r8, r2",
    ]
    for quarter in range(4):
        lines += [
            "\tmov r12, r9",
            *(f"\tmovs r{register}, #0" for register in range(4, 8)),
            f"scan_{quarter}:",
            "\tmov r0, r12",
            "\tsubs r0, #1",
            "\tmov r12, r0",
            "\tsbcs r0, r0",
            "\tldmia r1!, {r2, r3}",
            "\tands r2, r0",
            "\torrs r4, r2",
            "\tands r3, r0",
            "\torrs r5, r3",
            "\tldmia r1!, {r2, r3}",
            "\tands r2, r0",
            "\torrs r6, r2",
            "\tands r3, r0",
            "\torrs r7, r3",
            "\tadds r1, #48",
            "\tcmp r1, r8",
            f"\tbne scan_{quarter}",
            "\tldr r0, [sp, #8]",
            "\tstmia r0!, {r4-r7}",
            "\tstr r0, [sp, #8]",
        ]
        if quarter < 3:
            # The pointer goes back to the first entry, four words on. The end moves with it.
            lines += [
                "\tmov r0, r8",
                "\tadds r0, #16",
                "\tmov r8, r0",
                "\tmov r2, lr",
                "\tsubs r1, r1, r2",
                "\tadds r1, #16",
            ]
    lines += [
        "\tpop {r4, r5}",
        "\tmov r8, r4",
        "\tmov r9, r5",
        "\tpop {r0, r4-r7, pc}",
        "\t.size affine_scan, . - affine_scan",
    ]
    return lines


def main(path):
    lines = [
        "@ Made by generate_field.py.",
        "\t.syntax unified",
        "\t.cpu cortex-m0plus",
        "\t.thumb",
        "\t.text",
        *multiply_program().assembly(MULTIPLY_POLICY),
        *square_program().assembly(SQUARE_POLICY),
        *halve_program().assembly(Policy()),
        *scan_program(),
        *sum_program("field_add", "adds", "adcs"),
        *sum_program("field_subtract", "subs", "sbcs"),
    ]
    with open(path, "w", encoding="ascii") as output:
        output.write("\n".join(lines) + "\n")


def halve_program():
    """a / 2: a >> 1, plus (p + 1) / 2 if a is odd. (p + 1) / 2 = 2**255 - 2**31 - 488."""
    m = Program("field_halve", 2)
    a = [m.input(1, 4 * i) for i in range(8)]
    top = m.left(a[0], 31)  # 2**31 where a is odd, else 0
    odd = m.right(top, 31)
    worth = m.add(m.multiply(odd, m.wide_constant((FOLD - 1) // 2)), top)
    shifted = [m.add(m.right(a[i], 1), m.left(a[i + 1], 31)) for i in range(7)]
    shifted.append(m.add(m.right(a[7], 1), top))
    word = m.subtract(shifted[0], worth)
    m.output(0, 0, word)
    for i in range(1, 8):
        word = m.subtract_borrow(shifted[i], m.constant(0))
        m.output(0, 4 * i, word)
    return m


def sum_program(name, first, further):
    """a + b or a - b, written by hand: the sum in pairs of words, then 2**32 + FOLD for its carry
    or borrow, then again for the second one that two values close to 2**256 can make."""
    if first == "adds":
        bit = ["\tmovs r2, #0", "\tadcs r2, r2"]
    else:
        bit = ["\tsbcs r2, r2", "\trsbs r2, r2, #0"]
    worth = [*bit, f"\tldr r1, ={FOLD}", "\tmuls r1, r2", "\tsubs r0, #32"]
    lines = [f"\t{first} r3, r3, r5" if pair == 0 else f"\t{further} r3, r5" for pair in range(4)]
    return [
        f"\t.global {name}",
        f"\t.type {name}, %function",
        "\t.thumb_func",
        "\t.balign 4",
        f"{name}:",
        "\tpush {r4-r7, lr}",
        *(
            line
            for pair in range(4)
            for line in (
                "\tldmia r1!, {r3, r4}",
                "\tldmia r2!, {r5, r6}",
                lines[pair],
                f"\t{further} r4, r6",
                "\tstmia r0!, {r3, r4}",
            )
        ),
        *worth,
        "\tmovs r7, #0",
        "\tldmia r0!, {r3-r6}",
        "\tsubs r0, #16",
        f"\t{first} r3, r3, r1",
        f"\t{further} r4, r2",
        f"\t{further} r5, r7",
        f"\t{further} r6, r7",
        "\tstmia r0!, {r3-r6}",
        "\tmov r1, r0",
        "\tldmia r1!, {r3-r6}",
        *(f"\t{further} r{register}, r7" for register in range(3, 7)),
        "\tstmia r0!, {r3-r6}",
        *worth,
        "\tldmia r0!, {r3, r4}",
        "\tsubs r0, #8",
        f"\t{first} r3, r3, r1",
        f"\t{further} r4, r2",
        "\tstmia r0!, {r3, r4}",
        "\tpop {r4-r7, pc}",
        "\t.ltorg",
        f"\t.size {name}, . - {name}",
    ]


if __name__ == "__main__":
    main(sys.argv[1])
