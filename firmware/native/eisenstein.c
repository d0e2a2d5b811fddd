// Half-size quotients and digits. This file is longer than the usual limit, because the fixed sizes
// below rely on the bounds that are proven here.
//
// Half size. L = {(u, v): u = v e modulo ν} has the basis (ν, 0), (e, 1). Euclid's algorithm on the
// first components keeps it a basis (Antipa, Brown, Gallant, Lambert, Struik, Vanstone, SAC 2005,
// for integers; Z[ω] is Euclidean as well). A step subtracts unit * 2^shift times the shorter row
// from the longer, so it computes no quotient. The leading bits decide unit and shift. As in
// Lehmer's algorithm, some ten steps work on the leading bits alone, and then once on the numbers.
// Every step keeps the basis, so a bad choice can only cost time. The algorithm ends when a row's u
// is about 2^64. Then v ≠ 0: in a basis vector (u, 0), u is a multiple of ν other than 0, and its
// norm is at least n. And v ≠ 0 modulo n: its parts are below 2^68 and its norm is below n, while
// multiples of ν other than 0 have a norm of at least n.
//
// Sizes. A batch of steps is a matrix whose factors have parts below 2^11, so each new number is
// below 2^14 times the larger old one. v is below 2^68 before each batch, or that batch is the
// last. So v stays below 2^82, of the 96 bits that are kept. u's parts start below 2^128. A step
// lowers the norm as far as 14 bits can tell, so it raises the norm by at most a part in 2^10, and
// 16 batches of at most 40 steps cannot double it twice. If v gets too large, or the batches do not
// suffice, mostly because a row's top is too small to decide, the answer is (e, 1), which is always
// in L.

#include "eisenstein.h"
#include "words.h"

#define SHORT_BITS 64
#define BATCHES 16
#define TOP_BITS 28
#define HEAD_BITS 14
#define LEAST_TOP (1 << 16)
#define MOST_FACTOR (1 << 11)
#define MOST_SHIFT 10

typedef int32_t small[2];

static const int8_t unit_part[8][2] = {
    {1, 0}, {0, 1}, {-1, -1}, {0, 0}, {-1, 0}, {0, -1}, {1, 1}, {0, 0},
};

// ν = a1 - b1 ω.
static const uint32_t a1[4] = {0x9284EB15, 0xE86C90E4, 0xA7D46BCD, 0x3086D221};
static const uint32_t b1[4] = {0x0ABFE4C3, 0x6F547FA9, 0x010E8828, 0xE4437ED6};

// a * factor / n, with an error below 1.1. The code takes 2^256 for n and drops the fraction (that
// of factor 2^256 / n is 0.24 for a1, and 1.13 for b1, of which a's top bit gives half).
static void scaled(uint32_t result[4], const scalar *a, const uint32_t factor[4], uint32_t more) {
    uint32_t product[12], addend[4] = {more};
    words_multiply(product, a->word, 8, factor, 4);
    addend[0] += product[7] >> 31;
    words_add(result, product + 8, addend, 4);
}

void eisenstein_from_scalar(eisenstein *result, const scalar *a) {
    // The result is a minus a nearby multiple of ν. Its coordinates are those by (a1, -b1) and
    // (a1 + b1, a1), which are ν and a unit times ν. Parts stay below 1.9 * 2^128.
    uint32_t c[4], product[8];
    uint32_t *low = result->part[0], *high = result->part[1];
    *result = (eisenstein){{{0}}};
    words_select(low, a->word, 0xFFFFFFFFu, EISENSTEIN_WORDS);
    scaled(c, a, a1, 0);
    words_multiply(product, c, 4, a1, 4);
    words_subtract(low, low, product, EISENSTEIN_WORDS);
    words_multiply(product, c, 4, b1, 4);
    words_add(high, high, product, EISENSTEIN_WORDS);
    scaled(c, a, b1, a->word[7] >> 31);
    words_multiply(product, c, 4, a1, 4);
    words_subtract(low, low, product, EISENSTEIN_WORDS);
    words_subtract(high, high, product, EISENSTEIN_WORDS);
    words_multiply(product, c, 4, b1, 4);
    words_subtract(low, low, product, EISENSTEIN_WORDS);
}

void eisenstein_to_scalar(scalar *result, const eisenstein *a) {
    scalar high;
    scalar_from_signed(result, a->part[0], EISENSTEIN_WORDS);
    scalar_from_signed(&high, a->part[1], EISENSTEIN_WORDS);
    scalar_multiply_add(result, result, &high, &scalar_lambda);
}

// Half size ---------------------------------------------------------------------------------------

// a -= b * unit * 2^shift
static void subtract(small a, const small b, unsigned unit, unsigned shift) {
    int32_t x = b[0] * (1 << shift), y = b[1] * (1 << shift), t;
    if (unit & UNIT_MINUS) {
        x = -x;
        y = -y;
    }
    // (x + y ω) ω = -y + (x - y) ω
    for (unit &= UNIT_POWER; unit > 0; unit--) {
        t = x - y;
        x = -y;
        y = t;
    }
    a[0] -= x;
    a[1] -= y;
}

// (a, b) = (m00 a + m01 b, m10 a + m11 b) for factors below MOST_FACTOR; a, b = rows[0], rows[1].
static void combine(eisenstein rows[2], const small *m0, const small *m1) {
    struct {
        int32_t factor[4], carry;
    } part[4];
    for (size_t i = 0; i < 4; i++) {
        const int32_t *m = i < 2 ? m0[i] : m1[i - 2];
        size_t row = i & 2, column = 2 * (i & 1);
        part[row].factor[column] = m[0];
        part[row].factor[column + 1] = -m[1];
        part[row + 1].factor[column] = m[1];
        part[row + 1].factor[column + 1] = m[0] - m[1];
        part[i].carry = 0;
    }
    const size_t next = 2 * EISENSTEIN_WORDS;
    for (size_t i = 0; i < next; i++) {
        uint16_t *at = &rows[0].limb[0][i];
        int32_t a0 = at[0], a1 = at[next], b0 = at[2 * next], b1 = at[3 * next];
        for (size_t j = 0; j < 4; j++) {
            // The sum of four products below 2^28 and the carry is below 2^31.
            const int32_t *f = part[j].factor;
            int32_t total = part[j].carry + f[0] * a0 + f[1] * a1 + f[2] * b0 + f[3] * b1;
            *at = (uint16_t)total;
            at += next;
            part[j].carry = total >> 16;
        }
    }
}

static int32_t larger(const small a) {
    // This is near enough, though one too small for a negative number.
    return (a[0] ^ a[0] >> 31) | (a[1] ^ a[1] >> 31);
}

static uint32_t norm(const small a) {
    return (uint32_t)(a[0] * (a[0] - a[1]) + a[1] * a[1]);
}

// The unit and *shift that make x - y * unit * 2^shift about as short as possible. On entry *shift
// is the difference of x's scale and y's.
static unsigned choose(const small x, const small y, int *shift) {
    // With c = x ȳ, real[i] is twice the real part of c / ω^i.
    int32_t c0 = x[0] * (y[0] - y[1]) + x[1] * y[1], c1 = x[1] * y[0] - x[0] * y[1];
    int32_t real[3] = {2 * c0 - c1, 2 * c1 - c0, -c0 - c1};
    unsigned best = 0;
    uint32_t most = 0;
    for (unsigned i = 0; i < 3; i++) {
        uint32_t size = (uint32_t)(real[i] < 0 ? -real[i] : real[i]);
        if (size > most) {
            most = size;
            best = real[i] < 0 ? i | UNIT_MINUS : i;
        }
    }
    // |x - k y|² = |x|² - k most + k² |y|²: 2 k is better than k if most > 3 k |y|².
    uint32_t three = 3 * norm(y);
    if (most > three) {
        ++*shift;
    }
    for (; 2 * most < three && *shift > 0; most *= 2) {
        --*shift;
    }
    return best;
}

// A row as factors of the two original rows, and its top, which is the leading bits of its u.
#define TOP 2
typedef struct {
    small value[3];
    small head; // the leading bits of the top
    int shift;  // how many bits of the top head leaves out
} row;

static void look_at_head(row *a) {
    int32_t size = larger(a->value[TOP]);
    while (a->shift > 0 && size >> (a->shift + HEAD_BITS - 1) == 0) {
        a->shift--;
    }
    a->head[0] = a->value[TOP][0] >> a->shift;
    a->head[1] = a->value[TOP][1] >> a->shift;
}

static uint32_t subtract_row(row *a, const row *b, unsigned unit, unsigned shift) {
    for (size_t i = 0; i < 3; i++) {
        subtract(a->value[i], b->value[i], unit, shift);
    }
    return (larger(a->value[0]) | larger(a->value[1])) < MOST_FACTOR;
}

// Steps until a top is below `enough`, or the top decides no more. Returns the shorter row.
static row *steps(row *a, row *b, int32_t enough) {
    for (;;) {
        if (a->shift < b->shift || (a->shift == b->shift && norm(a->head) < norm(b->head))) {
            row *longer = b;
            b = a;
            a = longer;
        }
        int32_t size = larger(b->value[TOP]);
        if (size < LEAST_TOP || size < enough) {
            return b;
        }
        int shift = a->shift - b->shift;
        unsigned unit = choose(a->head, b->head, &shift);
        if (shift > MOST_SHIFT) {
            shift = MOST_SHIFT;
        }
        if (!subtract_row(a, b, unit, (unsigned)shift)) {
            subtract_row(a, b, unit ^ UNIT_MINUS, (unsigned)shift);
            return b;
        }
        look_at_head(a);
    }
}

// The leading bits of both u, without the lowest *dropped bits. On entry *dropped is large enough.
static void look_at_top(row a[2], const eisenstein u[2], unsigned *dropped) {
    for (int32_t size = 0; size >> (TOP_BITS - 1) == 0;) {
        size = 0;
        for (size_t i = 0; i < 4; i++) {
            const uint32_t *from = u[i >> 1].part[i & 1] + (*dropped >> 5);
            unsigned shift = *dropped & 31;
            int32_t top = (int32_t)(from[0] >> shift | from[1] << 1 << (31 - shift));
            a[i >> 1].value[TOP][i & 1] = top;
            size |= top ^ top >> 31;
        }
        if (*dropped == SHORT_BITS - TOP_BITS) {
            return;
        }
        for (int32_t bits = size; bits >> (TOP_BITS - 1) == 0; bits = 2 * bits + 1) {
            if (*dropped > SHORT_BITS - TOP_BITS) {
                --*dropped;
            }
        }
    }
}

unsigned eisenstein_half_size(eisenstein pair[2], const scalar *e) {
    eisenstein row_u[2] = {0}, row_v[2] = {0};
    words_select(row_u[0].part[0], a1, 0xFFFFFFFFu, 4);
    words_subtract(row_u[0].part[1], row_u[0].part[1], b1, 4);
    row_u[0].part[1][4] = 0xFFFFFFFFu;
    eisenstein_from_scalar(&row_u[1], e);
    row_v[1].part[0][0] = 1;
    pair[0] = row_u[1];
    pair[1] = row_v[1];
    unsigned dropped = 128 - TOP_BITS;
    for (unsigned batch = 0; batch < BATCHES; batch++) {
        row rows[2] = {
            {.value = {{1}}, .shift = TOP_BITS - HEAD_BITS + 2},
            {.value = {{0}, {1}}, .shift = TOP_BITS - HEAD_BITS + 2},
        };
        look_at_top(rows, row_u, &dropped);
        look_at_head(&rows[0]);
        look_at_head(&rows[1]);
        int32_t enough = dropped < SHORT_BITS ? 1 << (SHORT_BITS - dropped) : 0;
        const row *shorter = steps(&rows[0], &rows[1], enough);
        combine(row_u, rows[0].value, rows[1].value);
        combine(row_v, rows[0].value, rows[1].value);
        for (size_t i = 0; i < 4; i++) {
            uint32_t high = row_v[i >> 1].part[i & 1][2];
            if (high + (1u << (HALF_BITS - 64)) >= 2u << (HALF_BITS - 64)) {
                return WHOLE_BITS;
            }
        }
        if (larger(shorter->value[TOP]) < enough) {
            pair[0] = row_u[shorter - rows];
            pair[1] = row_v[shorter - rows];
            return HALF_BITS;
        }
    }
    return WHOLE_BITS;
}

// Digits ------------------------------------------------------------------------------------------

static uint32_t is_odd(int32_t x, int32_t y) {
    return (uint32_t)(x | y) & 1;
}

// 1 if x + y ω is 0 or a unit modulo 4.
static uint32_t is_near(int32_t x, int32_t y) {
    return 0x903Bu >> ((x & 3) | (y & 3) << 2) & 1;
}

// The power of ω that x + y ω equals modulo 2.
static unsigned power_of(int32_t x, int32_t y) {
    return (x & 1) == 0 ? 1 : (y & 1) == 0 ? 0 : 2;
}

static unsigned quotient(unsigned unit, unsigned by) {
    unsigned power = (unit & UNIT_POWER) + 3 - (by & UNIT_POWER);
    return (power >= 3 ? power - 3 : power) | ((unit ^ by) & UNIT_MINUS);
}

// The unit's index in a table's order of all units.
static unsigned place(unsigned unit) {
    return unit < UNIT_MINUS ? unit : unit - 1;
}

// Sets digit to the unit that leaves an even rest, and returns the unit; leaves it 0 and returns -1
// if the rest is even already. The next rest is then even too if `even`, and else can be made even.
static int pair_digit(small digit, const int32_t rest[2], uint32_t even) {
    int32_t x = rest[0], y = rest[1];
    if (!is_odd(x, y)) {
        return -1;
    }
    unsigned unit = power_of(x, y);
    digit[0] = unit_part[unit][0];
    digit[1] = unit_part[unit][1];
    x = (x - digit[0]) >> 1;
    y = (y - digit[1]) >> 1;
    if (even ? is_odd(x, y) : !is_near(x, y)) {
        digit[0] = -digit[0];
        digit[1] = -digit[1];
        unit |= UNIT_MINUS;
    }
    return (int)unit;
}

static unsigned pair_code(int32_t digit[4], const int32_t rest[4]) {
    uint32_t even = is_near(rest[0], rest[1]) && is_near(rest[2], rest[3]);
    int unit = pair_digit(digit, rest, even);
    int other = pair_digit(digit + 2, rest + 2, even);
    if (unit < 0) {
        return DIGIT_ENTRY * 2 + (unsigned)other;
    }
    unsigned index = other < 0 ? 0 : 2 + place(quotient((unsigned)other, (unsigned)unit));
    return DIGIT_ENTRY * (1 + index) + (unsigned)unit;
}

// The odd rest's digit: unit * θ^k, as 2 * unit + k.
static unsigned odd_digit(small digit, const int32_t rest[2]) {
    int32_t x = rest[0], y = rest[1];
    unsigned k = is_near(x, y) ^ 1;
    if (k) {
        // 1 / θ = -θ̄ modulo 4.
        int32_t second = -x - y;
        x = y - 2 * x;
        y = second;
    }
    unsigned unit = power_of(x, y);
    if (((x - unit_part[unit][0]) | (y - unit_part[unit][1])) & 2) {
        unit |= UNIT_MINUS;
    }
    int one = unit_part[unit][0], other = unit_part[unit][1];
    digit[0] = k ? one + other : one;
    digit[1] = k ? 2 * other - one : other;
    return 2 * unit + k;
}

// The even rest's digit: 0, or 2 times a power of ω with the sign of `unit`. Returns the place in c
// of the digit divided by unit.
static unsigned even_digit(small digit, const int32_t rest[2], unsigned unit) {
    int32_t x = rest[0] >> 1, y = rest[1] >> 1;
    if (!is_odd(x, y)) {
        return 0;
    }
    unsigned power = power_of(x, y);
    int twice = unit < UNIT_MINUS ? 2 : -2;
    digit[0] = twice * unit_part[power][0];
    digit[1] = twice * unit_part[power][1];
    return 1 + (quotient(power, unit) & UNIT_POWER);
}

static unsigned generator_code(int32_t digit[4], const int32_t rest[4]) {
    // This begins with the first odd rest and its unit. The other rest follows.
    size_t first = is_odd(rest[0], rest[1]) ? 0 : 2, second = 2 - first;
    unsigned odd = odd_digit(digit + first, rest + first), unit = odd >> 1, k = odd & 1;
    if (first == 0 && is_odd(rest[2], rest[3])) {
        unsigned other = odd_digit(digit + 2, rest + 2);
        unsigned m = 4 + UNITS * (other & 1) + place(quotient(other >> 1, unit));
        return DIGIT_ENTRY * (1 + 16 * k + m) + unit;
    }
    unsigned m = even_digit(digit + second, rest + second, unit);
    return DIGIT_ENTRY * (1 + (first == 0 ? 16 * k : 32 + 4 * k) + m) + unit;
}

// The digits of a pair whose parts have at most `bits` bits.
static int digits(uint16_t *digit, const eisenstein pair[2], unsigned bits, uint32_t of_generator) {
    // The rest of each part: floor(part / 2^position) plus the carry of the digits. The code has
    // read it only modulo 8, plus the carry.
    int32_t rest[4];
    for (size_t i = 0; i < 4; i++) {
        rest[i] = pair[i >> 1].limb[i & 1][0] & 7;
    }
    int count = 0;
    for (unsigned position = 0; position < bits + 4; position++) {
        int32_t value[4] = {0};
        unsigned code = 0;
        if ((rest[0] | rest[1] | rest[2] | rest[3]) & 1) {
            code = of_generator ? generator_code(value, rest) : pair_code(value, rest);
            count = (int)position + 1;
        }
        digit[position] = (uint16_t)code;
        // This adds one more bit of each part. The last bit is the sign.
        unsigned at = position + 3;
        int32_t weight = at < bits ? 4 : at == bits ? -4 : 0;
        const uint32_t *word = pair[0].part[0] + (at >> 5);
        at &= 31;
        for (size_t i = 0; i < 4; i++) {
            int32_t next = (rest[i] - value[i]) >> 1;
            if (*word >> at & 1) {
                next += weight;
            }
            rest[i] = next;
            word += EISENSTEIN_WORDS;
        }
    }
    return count;
}

int eisenstein_pair_digits(uint16_t digit[PAIR_POSITIONS], const eisenstein pair[2],
    unsigned bits) {
    return digits(digit, pair, bits, 0);
}

int eisenstein_generator_digits(uint16_t digit[GENERATOR_POSITIONS], const eisenstein *a) {
    eisenstein pair[2] = {{{{0}}}};
    for (size_t i = 0; i < 2; i++) {
        for (size_t word = 0; word < EISENSTEIN_WORDS; word++) {
            pair[word >= 2].part[i][word >= 2 ? word - 2 : word] = a->part[i][word];
        }
    }
    return digits(digit, pair, GENERATOR_POSITIONS - 4, 1);
}
