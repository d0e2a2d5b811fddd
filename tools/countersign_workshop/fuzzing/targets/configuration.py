"""Texts into the reader of gateway.toml: a Config, or a ConfigError of whole sentences that holds
none of the values that were given."""

from __future__ import annotations

import random
from pathlib import Path

from countersign_gateway import config
from countersign_gateway.config import ConfigError
from countersign_workshop.fuzzing import mutation
from countersign_workshop.fuzzing.target import CORPUS, Broken

_VALUES = (
    *('""', '"x"', '"own"', '"mqtt://a:1883"', '"http://a:b@c/?token=secret"', '"0x00"'),
    *("0", "-1", "1", "65536", "1e308", "nan", "inf", "-inf", "9223372036854775808", "0x1_0"),
    *("true", "false", "[]", "{}", '["a"]', "[[1]]", "1979-05-27", "'''\n'''", '"\\u0000"', "1.0"),
    *('"\u202e"', '"\x7f"', "1" * 5000, '"' + "x" * 5000 + '"', "[" * 200 + "]" * 200),
)
_KEYS = ("x", "site", "name", '""', "'a b'", "a.b.c", "broker", "__class__", "é", "key_file")


class Configuration:
    name = "configuration"

    def __init__(self) -> None:
        self._seeds = [path.read_text("utf-8") for path in sorted(Path(CORPUS).glob("*.toml"))]

    def make(self, rng: random.Random) -> bytes:
        lines = rng.choice(self._seeds).splitlines()
        for _ in range(rng.choice((1, 1, 2, 3))):
            self._change(rng, lines)
        text = rng.choice(("\n", "\n", "\n", "\r\n")).join(lines)
        data = rng.choice(("", "", "", "\ufeff")).encode() + text.encode("utf-8", "surrogatepass")
        return mutation.mutated(rng, data) if rng.random() < 0.3 else data

    def check(self, data: bytes) -> None:
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError:
            return  # `load` says so before it parses
        try:
            read = config.parse(text, Path("/site"))
        except ConfigError as error:
            if not error.faults or any(not fault or "\n" in fault for fault in error.faults):
                raise Broken("a refusal that is not sentences of one line") from None
            return
        # What is accepted must be usable by who reads it.
        if not read.site or not str(read.key_file).startswith("/"):
            raise Broken("accepted settings without a site or a key file")

    @staticmethod
    def _change(rng: random.Random, lines: list[str]) -> None:
        at = rng.randrange(len(lines)) if lines else 0
        kind = rng.randrange(7)
        if kind == 0 and lines:
            del lines[at]
        elif kind == 1 and lines:
            lines.insert(rng.randrange(len(lines)), lines[at])
        elif kind == 2:
            lines.insert(at, f"{rng.choice(_KEYS)} = {rng.choice(_VALUES)}")
        elif kind == 3:
            lines.insert(at, rng.choice(("[x]", "[site]", "[[ingress.serial]]", "[ingress.mqtt]")))
        elif lines:
            key, equals, _ = lines[at].partition("=")
            if equals:
                lines[at] = f"{key}= {rng.choice(_VALUES)}"
