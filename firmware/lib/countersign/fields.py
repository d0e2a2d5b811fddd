"""Fields: how one value of a message is encoded, and which values it may have.

Every field has two methods, so that a message is strict in both directions:

    to_wire(value)    value → CBOR item;  ValueError if a caller passes a forbidden value
    from_wire(item)   CBOR item → value;  Refused(BAD_FIELD) if a peer sent a forbidden item

A caller's mistake and a peer's mistake differ on purpose: the first is a bug in this program, the
second is an ordinary event with a reason code. `from_wire` never trusts the item's type.
"""

from countersign import reasons

UINT32_MAX = 0xFFFFFFFF
# Counters and batch sequences stay within a signed 64-bit integer. SQLite's integers and the EVM's
# uint64 both hold it, and no device lives long enough to exhaust it.
UINT63_MAX = 0x7FFFFFFFFFFFFFFF


def _refuse(expected):
    raise reasons.Refused(reasons.BAD_FIELD, "expected " + expected)


def is_uint(item: object, maximum: int) -> bool:
    """True for an int in [0, maximum]. A bool is not a number here on either runtime."""
    return not isinstance(item, bool) and isinstance(item, int) and 0 <= item <= maximum


class Field:
    """A field whose value and CBOR item are the same.

    Each such field has `accepts(item) -> bool`, and `expected`: what it accepts, in words.
    """

    def to_wire(self, value: object) -> object:
        if not self.accepts(value):
            # The text does not quote the value, which may be a secret passed by mistake.
            raise ValueError("expected " + self.expected)
        return value

    def from_wire(self, item: object) -> object:
        if not self.accepts(item):
            _refuse(self.expected)
        return item


class Bytes(Field):
    """Exactly `size` bytes."""

    def __init__(self, size: int):
        self.size = size
        self.expected = str(size) + " bytes"

    def accepts(self, item):
        return isinstance(item, bytes) and len(item) == self.size


class Uint(Field):
    """An unsigned integer in [minimum, maximum]."""

    def __init__(self, maximum: int = UINT32_MAX, minimum: int = 0):
        self.minimum = minimum
        self.maximum = maximum
        self.expected = "an integer from " + str(minimum) + " to " + str(maximum)

    def accepts(self, item):
        return is_uint(item, self.maximum) and item >= self.minimum


class Flag(Field):
    """true or false."""

    expected = "a boolean"

    def accepts(self, item):
        return isinstance(item, bool)


class Nullable(Field):
    """Another field, or null. The key is always present, so a map has only one shape."""

    def __init__(self, field: Field):
        self.field = field

    def to_wire(self, value):
        return None if value is None else self.field.to_wire(value)

    def from_wire(self, item):
        return None if item is None else self.field.from_wire(item)


class Hashes(Field):
    """A list of at most `most` hashes of 32 bytes, passed on unchanged."""

    def __init__(self, most: int):
        self.most = most
        self.expected = "at most " + str(most) + " hashes of 32 bytes"

    def accepts(self, item):
        if not isinstance(item, list) or len(item) > self.most:
            return False
        for entry in item:
            if not isinstance(entry, bytes) or len(entry) != 32:
                return False
        return True


class Record(Field):
    """A map with exactly these integer keys. Values are dicts by field name.

    `fields` is a tuple of (key, name, field) in ascending order of the encoded key.
    """

    def __init__(self, *fields):
        self.fields = fields
        self.expected = "a map of " + str(len(fields)) + " fields"

    def to_wire(self, value):
        if not isinstance(value, dict) or len(value) != len(self.fields):
            raise ValueError("expected exactly the fields " + self.names())
        item = {}
        for key, name, field in self.fields:
            if name not in value:
                raise ValueError("missing field " + name)
            try:
                item[key] = field.to_wire(value[name])
            except ValueError as error:
                # The caller needs the field's name. No field quotes the value.
                raise ValueError(name + ": " + str(error))
        return item

    def from_wire(self, item):
        if not isinstance(item, dict) or len(item) != len(self.fields):
            _refuse(self.expected)
        value = {}
        for key, name, field in self.fields:
            if key not in item:
                _refuse("field " + name)
            try:
                value[name] = field.from_wire(item[key])
            except reasons.Refused as refused:
                raise reasons.Refused(refused.reason, name + ": " + refused.detail)
        return value

    def names(self) -> str:
        return ", ".join([name for _, name, _ in self.fields])


DIGEST = Bytes(32)  # also an identifier, a challenge, a nonce
ADDRESS = Bytes(20)
SEQUENCE = Uint(UINT63_MAX)
COUNTER = Uint(UINT63_MAX, 1)
