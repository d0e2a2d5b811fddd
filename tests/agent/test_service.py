"""The door: a button that is held, or an unlock that the provisioner signed. Nothing else."""

import os

from countersign.proofs import schnorr
from countersign_agent.keys.entropy import EntropyError

from countersign_agent import service  # isort: skip

PATH = "/tmp/countersign-service-test-" + "".join(["%02x" % b for b in os.urandom(8)])
KEY = bytes([7] * 32)
DEVICE = bytes([8] * 32)
ASK = b"countersign-service?"


class Bench:
    """A door with a button, a line and a clock that a test moves."""

    def __init__(self, provisioner=True, device_id=DEVICE):
        self.ms = 0
        self.held = False
        self.line = b""
        self.said = []
        self.challenges = 0
        self.fault = None
        public_key = schnorr.public_key(KEY) if provisioner else None
        self.door = service.Door(
            PATH, public_key, device_id, lambda: self.held, self.random, self, self.say, self.read
        )

    def now_ms(self):
        return self.ms

    def random(self):
        if self.fault is not None:
            raise self.fault
        self.challenges += 1
        return bytes([self.challenges] * 32)

    def say(self, event, **fields):
        self.said.append((event, fields))

    def read(self):
        data, self.line = self.line, b""
        return data

    def opens(self, data=b"", after_ms=0):
        """Whether the door opens when this comes on its line."""
        self.ms += after_ms
        self.line = data
        try:
            self.door.turn()
        except service.ServiceWanted:
            return True
        return False


def unlock(challenge, key=KEY, device_id=DEVICE):
    statement = service.unlock_digest(challenge, device_id)
    signature = schnorr.sign(key, statement, bytes(32))
    return b"countersign-service!" + "".join(["%02x" % byte for byte in signature]).encode()


def test_an_unlock_that_the_provisioner_signed_opens():
    bench = Bench()
    assert not bench.opens(b"\n" + ASK + b"\n")
    ((event, fields),) = bench.said
    assert event == "service_challenge"
    assert fields["challenge"] == bytes([1] * 32)
    assert fields["device_id"] == DEVICE
    assert fields["provisioner"] == schnorr.public_key(KEY)
    assert bench.opens(b"\n" + unlock(fields["challenge"]) + b"\n")


def test_it_opens_in_whatever_pieces_that_comes():
    bench = Bench()
    opened = []
    for data in (b"\x00noise\xffcounter" + ASK, unlock(bytes([1] * 32))):
        for at in range(len(data)):
            opened.append(bench.opens(data[at : at + 1]))
    assert opened == [False] * (len(opened) - 1) + [True]


def test_what_does_not_open():
    other_key, other_device = bytes([9] * 32), bytes([10] * 32)
    for wrong in (
        unlock(bytes([2] * 32)),  # of another challenge
        unlock(bytes([1] * 32), key=other_key),
        unlock(bytes([1] * 32), device_id=other_device),
        b"countersign-service!" + b"0" * 128,
        b"countersign-service!" + b"\xff" * 128,
        b"countersign-service!" + b"z" * 128,
    ):
        bench = Bench()
        assert not bench.opens(ASK)
        assert not bench.opens(wrong), wrong
        # One try for a challenge.
        assert not bench.opens(unlock(bytes([1] * 32)))


def test_an_unlock_is_good_once_and_needs_a_challenge():
    bench = Bench()
    assert not bench.opens(unlock(bytes([1] * 32)))
    assert not bench.opens(ASK)
    assert bench.opens(unlock(bytes([1] * 32)))
    assert not bench.opens(unlock(bytes([1] * 32)))


def test_a_challenge_lives_for_seconds():
    bench = Bench()
    assert not bench.opens(ASK)
    assert not bench.opens(unlock(bytes([1] * 32)), after_ms=service.CHALLENGE_MS + 1)
    assert not bench.opens(ASK)
    assert bench.opens(unlock(bytes([2] * 32)), after_ms=service.CHALLENGE_MS)


def test_challenges_are_few():
    bench = Bench()
    for _ in range(50):
        assert not bench.opens(ASK * 20, after_ms=100)
    assert len(bench.said) == 5


def test_without_a_provisioner_or_entropy_there_is_nothing_to_sign():
    for bench in (Bench(provisioner=False), Bench(device_id=None)):
        assert not bench.opens(ASK)
        ((event, fields),) = bench.said
        assert (event, fields["challenge"]) == ("service_challenge", None)
        assert not bench.opens(unlock(bytes([1] * 32)))
    bench = Bench()
    bench.fault = EntropyError("it stands still")
    assert not bench.opens(ASK)
    assert [event for event, _ in bench.said] == ["service_refused", "service_challenge"]


def test_the_button_opens_only_after_it_was_held():
    bench = Bench()
    assert not bench.opens()
    bench.held = True
    assert not bench.opens()
    assert not bench.opens(after_ms=service.HOLD_MS - 1)
    bench.held = False
    assert not bench.opens(after_ms=10)
    bench.held = True
    assert not bench.opens(after_ms=service.HOLD_MS)
    assert bench.opens(after_ms=service.HOLD_MS)


def test_a_line_that_a_transport_has_is_left_to_it():
    bench = Bench()
    bench.door.is_line_taken = True
    assert not bench.opens(ASK)
    assert bench.said == []
    bench.door.hear(ASK)
    assert len(bench.said) == 1


def test_no_stream_grows_what_it_keeps():
    bench = Bench()
    for piece in (b"countersign-service!" + b"0" * 100, b"x" * 512, b"countersign-servic" * 30):
        for _ in range(20):
            assert not bench.opens(piece)
        assert len(bench.door._tail) < 160


def test_an_open_door_is_open_for_one_start():
    bench = Bench()
    assert not bench.door.is_open()
    bench.door.open()
    assert bench.door.is_open()
    assert not bench.door.is_open()
    bench.held = True
    assert bench.door.is_open()
