"""The fuzzer finds faults that are planted, repeats a run from its seed, and the readers stand a
short run; what it once found is fed again by name."""

from __future__ import annotations

import binascii
import contextlib
import json
import random

import cbor2
import pytest

from countersign import cbor, messages, reasons
from countersign.carriers import framing, link
from countersign_agent.transports import mqtt_codec
from countersign_cli import cli
from countersign_gateway import config
from countersign_gateway.verification import codec, plain_shape, verifier
from countersign_workshop.fuzzing import hostile_cbor
from countersign_workshop.fuzzing import run as fuzzing
from countersign_workshop.fuzzing.targets import TARGETS

FEW = 4000


@pytest.mark.parametrize("name", TARGETS)
def test_readers_stand_a_short_run(name: str) -> None:
    count, findings = fuzzing._work(name, FEW, (1, 0))
    assert count == FEW
    assert findings == []


@pytest.mark.parametrize("name", TARGETS)
def test_a_seed_repeats_its_inputs(name: str) -> None:
    made = []
    for _ in range(2):
        target, rng = TARGETS[name][0](), random.Random("again")
        made.append([target.make(rng) for _ in range(50)])
    assert made[0] == made[1]
    assert len(set(made[0])) > 25


def found(name: str) -> str:
    """What a short run finds, in one text."""
    _, findings = fuzzing._work(name, FEW, (1, 0))
    return "\n".join(finding.what for finding in findings)


def test_finds_a_decoder_that_takes_unsorted_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    forgets = property(lambda _: b"", lambda *_: None)
    monkeypatch.setattr(cbor._Map, "last_key_bytes", forgets, raising=False)
    assert "not the encoding" in found("codec")


def test_finds_a_fast_reader_that_takes_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plain_shape, "_in_order", lambda _: True)
    assert "disagree" in found("messages")


def test_finds_a_reader_that_asks_a_general_decoder(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tag of two thousand bytes is a regular expression to cbor2, and takes a second."""
    strict = messages.open_message

    def general(data: bytes) -> messages.Message:
        with contextlib.suppress(Exception):
            cbor2.loads(data)
        return strict(data)

    target, data = TARGETS["messages"][0](), hostile_cbor.ITEMS["a regular expression"]
    assert fuzzing.fed(target, data) is None
    monkeypatch.setattr(codec, "open_message", general)
    assert "took more than" in str(fuzzing.fed(target, data))


def test_finds_a_frame_reader_without_checksum(monkeypatch: pytest.MonkeyPatch) -> None:
    read = framing._read

    def lenient(stuffed: bytes, most_message: int) -> framing.Frame | None:
        content = (framing._unstuff(stuffed) or b"")[:-4]
        mended = content + binascii.crc32(content).to_bytes(4, "big")
        return read(framing._stuff(mended), most_message)

    monkeypatch.setattr(framing, "_read", lenient)
    assert "that the line does not hold" in found("frames")


def test_finds_a_link_that_a_forged_session_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link.Link, "_may_work_on", lambda self, session: session < 424242)
    assert "honest session" in found("link")


def test_finds_an_unbounded_packet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mqtt_codec, "MAX_TOPIC_BYTES", 150)
    monkeypatch.setattr(
        mqtt_codec, "read_publish", lambda *_: mqtt_codec.Publish("x" * 151, b"", None)
    )
    assert "topic" in found("packets")


def test_finds_a_verifier_that_checks_no_signature(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verifier._ReadHere, "signed_by", lambda *_: True)
    assert "did not sign" in found("statements")


def test_finds_a_reason_that_no_definition_lists(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(messages.BY_TYPE[messages.EVIDENCE], "refusals", ())
    assert "Evidence refused for" in found("statements")


def test_finds_a_traceback_in_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config.tomllib, "loads", lambda text: {"site": 1}[text])
    assert "KeyError" in found("configuration")


def test_findings_are_written_counted_and_fed_again(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path
) -> None:
    from countersign_workshop.commands import fuzz

    finding = fuzzing.Finding("codec", "planted", b"\x18\x00")
    outcome = fuzzing.Outcome({"codec": 9}, [finding], 1.0)
    monkeypatch.setattr(fuzz.fuzzing, "fuzz", lambda *_: outcome)
    monkeypatch.setattr(fuzz, "cache_folder", lambda: tmp_path)
    assert cli.main(["fuzz", "--seed", "1"]) == 1
    figures = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (figures["fuzz_executions"], figures["fuzz_findings"]) == (9, 1)
    (kept,) = (tmp_path / "fuzz").glob("codec-*.bin")
    assert kept.read_bytes() == finding.data
    # The decoder is whole, so the same input breaks nothing now.
    assert cli.main(["fuzz", "--again", str(kept)]) == 0


def test_every_seed_is_accepted_by_its_reader() -> None:
    from countersign_workshop.fuzzing.target import corpus

    for data in corpus("messages"):
        assert messages.open_message(data).type in messages.BY_TYPE
    types = {messages.open_message(data).type for data in corpus("messages")}
    assert types == set(messages.BY_TYPE)
    for data in corpus("frames"):
        assert len(framing.FrameReader().feed(data)) == 1
    with pytest.raises(reasons.Refused):
        cbor.decode(corpus("messages")[0][:-1])
