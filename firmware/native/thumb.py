"""A small compiler of straight-line code for the Cortex-M0+: values in, Thumb instructions out.

The programs in generate_field.py consist of values that are each computed once. This module assigns
a place to every value at each moment: r0-r7 for arithmetic, r8-r12 and lr as quick stores (one
cycle each way), the stack for the rest (two cycles). The value whose next use is farthest makes
room (Belady). Moves, loads and stores of ARMv6-M do not change the flags, so the compiler can make
room in the middle of a chain of carries.

The code has no branch, and no address depends on a value, so its length alone decides its time.
"""

LOW = tuple(range(8))
HIGH = (8, 9, 10, 11, 12, 14)


class Value:
    """A value, computed once. home: its place in memory from the start, as (pointer, offset)."""

    def __init__(self, home=None):
        self.home = home
        self.uses = []


class Program:
    """One function. It collects operations, then writes them with registers.

    pointers: the number of its arguments, which are all pointers, in r0 and up.
    """

    def __init__(self, name, pointers):
        self.name = name
        self.operations = []  # (mnemonic, result, sources, immediate)
        self._constants = {}
        self.pointers = [Value() for _ in range(pointers)]

    # ---- operations of a program

    def input(self, pointer, offset):
        """The word at an argument's address. The code reads it at its first use."""
        return Value((self.pointers[pointer], offset))

    def constant(self, number):
        """A number from 0 to 255. The code makes it at its use."""
        if number not in self._constants:
            self._constants[number] = Value(("constant", number))
        return self._constants[number]

    def output(self, pointer, offset, value):
        """Store a word at an argument's address. No later operation may use an input."""
        self._emit("store", None, (value, self.pointers[pointer]), offset)

    def add(self, a, b):
        return self._new("adds", (a, b))

    def add_carry(self, a, b):
        return self._new("adcs", (a, b))

    def subtract(self, a, b):
        return self._new("subs", (a, b))

    def subtract_borrow(self, a, b):
        return self._new("sbcs", (a, b))

    def multiply(self, a, b):
        return self._new("muls", (a, b))

    def bit_and(self, a, b):
        return self._new("ands", (a, b))

    def bit_xor(self, a, b):
        return self._new("eors", (a, b))

    def left(self, a, places):
        return self._new("lsls#", (a,), places)

    def right(self, a, places):
        return self._new("lsrs#", (a,), places)

    def wide_constant(self, number):
        """A larger number, read from a literal near the function's end."""
        return Value(("literal", number))

    def bit_not(self, a):
        return self._new("mvns", (a,))

    def carry_from(self, mask):
        """Set the carry if the mask is all ones, clear it if it is 0."""
        self._new("lsls#", (mask,), 1)

    def low_half(self, a):
        return self._new("uxth", (a,))

    def negate(self, a):
        return self._new("rsbs", (a,))

    def borrow_mask(self):
        """All ones if the last operation borrowed (its carry is clear), else 0."""
        return self._new("sbcs=", ())

    def _new(self, mnemonic, sources, immediate=None):
        result = Value()
        self._emit(mnemonic, result, sources, immediate)
        return result

    def _emit(self, mnemonic, result, sources, immediate):
        for value in sources:
            value.uses.append(len(self.operations))
            if value.home is not None and isinstance(value.home[0], Value):
                value.home[0].uses.append(len(self.operations))
        self.operations.append((mnemonic, result, tuple(sources), immediate))

    # ---- the instructions of a program

    def assembly(self, policy):
        """The lines of the function."""
        return _Writer(self, policy).lines()


class Policy:
    """How the compiler makes room. A search found the values in generate_field.py.

    clean, stacked, dirty: factors on the distance of a value's next use, if a copy of the value is
    in a quick store, in memory, or nowhere. far: beyond so many operations a value goes straight to
    the stack."""

    def __init__(self, clean=1.0, stacked=1.0, dirty=1.0, far=10**6, keep=True, overwrite=False):
        self.clean, self.stacked, self.dirty = clean, stacked, dirty
        self.far, self.keep = far, keep
        self.overwrite = overwrite


class _Writer:
    def __init__(self, program, policy):
        self._program = program
        self._policy = policy
        self._body = []
        self._low = dict.fromkeys(LOW)  # register -> value
        self._high = dict.fromkeys(HIGH)
        self._slots = []  # stack slot -> value
        self._at = 0

    def lines(self):
        for register, pointer in enumerate(self._program.pointers):
            self._low[register] = pointer
        for at, operation in enumerate(self._program.operations):
            self._at = at
            self._release()
            self._write(*operation)
        size = 4 * len(self._slots)
        name = self._program.name
        # The function need not keep r12, and it has saved lr already.
        kept = [register for register in range(8, 12) if self._is_written(register)]
        saved = ", ".join(f"r{4 + i}" for i in range(len(kept)))
        return [
            f"\t.global {name}",
            f"\t.type {name}, %function",
            "\t.thumb_func",
            "\t.balign 4",
            f"{name}:",
            "\tpush {r4-r7, lr}",
            *(f"\tmov r{4 + i}, r{register}" for i, register in enumerate(kept)),
            *([f"\tpush {{{saved}}}"] if kept else []),
            *([f"\tsub sp, #{size}"] if size else []),
            *self._body,
            *([f"\tadd sp, #{size}"] if size else []),
            *([f"\tpop {{{saved}}}"] if kept else []),
            *(f"\tmov r{register}, r{4 + i}" for i, register in enumerate(kept)),
            "\tpop {r4-r7, pc}",
            "\t.ltorg",
            f"\t.size {name}, . - {name}",
        ]

    def _is_written(self, register):
        return any(line.startswith(f"\tmov r{register}, ") for line in self._body)

    def _next_use(self, value):
        for use in value.uses:
            if use >= self._at:
                return use
        return None

    def _used_later(self, value):
        return any(use > self._at for use in value.uses)

    def _release(self):
        """Forget the values that no later operation uses."""
        for registers in (self._low, self._high):
            for register, value in registers.items():
                if value is not None and self._next_use(value) is None:
                    registers[register] = None
        for slot, value in enumerate(self._slots):
            if value is not None and self._next_use(value) is None:
                self._slots[slot] = None

    def _emit(self, text):
        self._body.append("\t" + text)

    def _low_register(self, value):
        for register, held in self._low.items():
            if held is value:
                return register
        return None

    def _room(self, kept):
        """A free low register, never one of `kept`. This frees one if necessary."""
        for register, value in self._low.items():
            if value is None and register not in kept:
                return register

        def distance(register):
            value = self._low[register]
            away = self._next_use(value) - self._at
            if value in self._high.values():
                return away * self._policy.clean
            if value in self._slots or value.home is not None:
                return away * self._policy.stacked
            return away * self._policy.dirty

        register = max((r for r in LOW if r not in kept), key=distance)
        self._save(register)
        return register

    def _is_elsewhere(self, value):
        return value in self._high.values() or value in self._slots or self._is_input(value)

    @staticmethod
    def _is_input(value):
        return value.home is not None

    def _save(self, register):
        value = self._low[register]
        self._low[register] = None
        if self._is_elsewhere(value):
            return
        if self._next_use(value) - self._at <= self._policy.far:
            high = self._free_high(value)
            if high is not None:
                self._high[high] = value
                self._emit(f"mov r{high}, r{register}")
                return
        slot = self._slot(value)
        self._emit(f"str r{register}, [sp, #{4 * slot}]")

    def _free_high(self, value):
        """A quick store that is free, or whose value is also in a low register or in memory."""
        for high, held in self._high.items():
            if held is None:
                return high
        spare = [
            high
            for high, held in self._high.items()
            if (self._low_register(held) is not None or held in self._slots)
            and self._next_use(held) > self._next_use(value)
        ]
        return max(spare, key=lambda high: self._next_use(self._high[high]), default=None)

    def _slot(self, value):
        for slot, held in enumerate(self._slots):
            if held is None:
                self._slots[slot] = value
                return slot
        self._slots.append(value)
        return len(self._slots) - 1

    def _load(self, value, kept):
        """The low register that holds the value, after loading it if necessary."""
        register = self._low_register(value)
        if register is not None:
            return register
        register = self._room(kept)
        for high, held in self._high.items():
            if held is value:
                self._emit(f"mov r{register}, r{high}")
                self._low[register] = value
                # Another value needs the quick store more.
                if not self._keep_high(value):
                    self._high[high] = None
                return register
        for slot, held in enumerate(self._slots):
            if held is value:
                self._emit(f"ldr r{register}, [sp, #{4 * slot}]")
                self._low[register] = value
                return register
        pointer, offset = value.home
        if pointer == "constant":
            self._emit(f"movs r{register}, #{offset}")
            self._low[register] = value
            return register
        if pointer == "literal":
            self._emit(f"ldr r{register}, ={offset}")
            self._low[register] = value
            return register
        base = self._low_register(pointer)
        if base is None:
            source = next((h for h, held in self._high.items() if held is pointer), None)
            if source is not None:
                self._emit(f"mov r{register}, r{source}")
            else:
                slot = self._slots.index(pointer)
                self._emit(f"ldr r{register}, [sp, #{4 * slot}]")
            base = register
        self._emit(f"ldr r{register}, [r{base}, #{offset}]")
        self._low[register] = value
        return register

    def _keep_high(self, value):
        return self._policy.keep

    def _write(self, mnemonic, result, sources, immediate):
        if mnemonic == "sbcs=":
            register = self._room(())
            self._emit(f"sbcs r{register}, r{register}")
            self._low[register] = result
            return
        held = []
        for value in sources:
            held.append(self._load(value, tuple(held)))
        if mnemonic == "store":
            self._emit(f"str r{held[0]}, [r{held[1]}, #{immediate}]")
            return
        if mnemonic in ("lsls#", "lsrs#", "uxth", "rsbs", "mvns") or mnemonic in ("adds", "subs"):
            register = self._result_register(sources, held)
            operands = [f"r{r}" for r in held]
            if immediate is not None:
                operands.append(f"#{immediate}")
            if mnemonic == "rsbs":
                operands.append("#0")
            self._emit(f"{mnemonic.rstrip('#')} r{register}, {', '.join(operands)}")
            self._low[register] = result
            return
        # Two-operand forms overwrite their first source.
        if mnemonic != "sbcs" and self._used_later(sources[0]) and not self._used_later(sources[1]):
            held.reverse()
            sources = sources[::-1]
        target = held[0]
        if self._used_later(sources[0]) and not (
            self._policy.overwrite and self._is_elsewhere(sources[0]) and held[0] != held[1]
        ):
            target = self._room(tuple(held))
            self._emit(f"mov r{target}, r{held[0]}")
        self._emit(f"{mnemonic} r{target}, r{held[1]}")
        self._low[target] = result

    def _result_register(self, sources, held):
        for value, register in zip(sources, held, strict=True):
            if not self._used_later(value):
                return register
        return self._room(tuple(held))
