"""Coupons in the running agent: each signature that leaves the device has its own nonce, even after
lost sessions, resets and failed sends."""

from countersign import messages
from support.agent.rig import Rig


class Sent:
    """Records every signature, whether or not it arrived, as (nonce commitment, digest)."""

    def __init__(self, rig):
        self.rig = rig
        self.signatures = []
        self.watch()

    def watch(self):
        """Call this again after each boot, which makes a new identity object."""
        own = self.rig.key_store.identity
        sign = own.sign

        def noted(digest):
            signature = sign(digest)
            self.signatures.append((signature[:32], digest))
            return signature

        own.sign = noted

    def check(self):
        messages_of = {}
        for nonce_commitment, digest in self.signatures:
            assert messages_of.get(nonce_commitment, digest) == digest
            messages_of[nonce_commitment] = digest
        assert len(messages_of) == len(self.signatures)
        return len(self.signatures)


def test_idle_time_fills_the_pool_and_check_ins_use_it():
    rig = Rig()
    rig.run_until("verdict", 2)
    pool = rig.key_store.identity._coupons
    rig.run_for(4000)
    assert pool.count > 0
    prepared = pool.count
    before = len(rig.all("evidence_sent"))
    rig.run_until("evidence_sent", before + 1)
    assert pool.count == prepared - 1


class Cut:
    """Loses the session during a send: the message was signed, and may have arrived."""

    def __init__(self, broker):
        self.broker = broker
        self.kinds = []
        self._before = broker.on_send
        broker.on_send = self

    def __call__(self, kind, payload):
        self.kinds.append(kind)
        self.broker.is_up = False
        self.broker.on_send = self._before


def test_no_reconnection_or_reset_reuses_a_coupon():
    rig = Rig()
    sent = Sent(rig)
    rig.run_until("verdict", 2)
    for round in range(4):
        rig.run_for(3000)
        cut = Cut(rig.broker)
        rig.run_until("reconnecting", len(rig.all("reconnecting")) + 1)
        assert cut.kinds
        rig.broker.is_up = True
        rig.run_for(8000)
        if round % 2:
            rig.boot()
            assert rig.key_store.identity._coupons.count == 0
            sent.watch()
            rig.run_for(12000)
    assert sent.check() > 10
    # The recorded signatures are the ones that arrived.
    known = [nonce_commitment for nonce_commitment, _ in sent.signatures]
    for _, payload in rig.broker.sent:
        assert messages.open_message(payload).signature[:32] in known
