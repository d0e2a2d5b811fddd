"""Kills the anchoring process at every point between two lasting effects.

The crash test kills at random; this test is exhaustive. The process "dies" right before or right
after each write to the record and each sending to the chain, and a new process continues.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

import pytest

from countersign import messages
from countersign_gateway.anchoring.ledger_key import LedgerKey
from countersign_gateway.registry.interface import OutboxState
from support.gateway.anchoring_site import Device, Site
from support.gateway.local_chain import LocalChain
from support.gateway.memory_registry import MemoryRegistry

pytestmark = pytest.mark.chain

LASTING = (
    "create_batch",
    "note_spent",
    "store_signed",
    "mark_sent",
    "mark_included",
    "mark_finalized",
    "mark_pending",
    "mark_failed",
    "note_receipted",
    "send",
)


class PowerCut(BaseException):
    """A BaseException, so that the program under test does not catch it."""


class Fuse:
    """Passes lasting effects through, and raises PowerCut before or after number `blow_at`."""

    def __init__(self, blow_at: int, after: bool) -> None:
        self.effects = 0
        self._blow_at = blow_at
        self._after = after

    def guard(self, target: Any) -> None:
        for name in LASTING:
            if hasattr(target, name):
                setattr(target, name, self._guarded(getattr(target, name)))

    def _guarded(self, effect: Callable[..., Any]) -> Callable[..., Any]:
        def guarded(*arguments: Any) -> Any:
            self.effects += 1
            if self.effects == self._blow_at and not self._after:
                raise PowerCut
            result = effect(*arguments)
            if self.effects == self._blow_at:
                raise PowerCut
            return result

        return guarded


def live(site: Site) -> None:
    """Do enough rounds to anchor everything, with one reorganisation."""
    for number in range(6):
        site.tick()
        if number == 1:
            site.chain.reorg(1)
            site.chain.quiesce()
        elif number > 1:
            site.chain.finalize()


def one_life_cut(chain: LocalChain, owner: Any, blow_at: int, after: bool) -> int:
    """Die at effect `blow_at`, continue, and check. Returns the number of effects."""
    registry = MemoryRegistry()
    key = LedgerKey(secrets.token_bytes(32))
    chain.fund(key.address)
    chain.appoint(owner, key.address, True)
    device = Device(bytes.fromhex(owner.address[2:]))
    registry.store(
        [
            device.enrols(device.registration_signature(chain.device_registry)),
            *(device.checks_in() for _ in range(7)),
        ]
    )
    first = Site(chain, registry, key=key)
    fuse = Fuse(blow_at, after)
    fuse.guard(registry)
    fuse.guard(first.ledger)
    try:
        live(first)
    except PowerCut:
        chain.quiesce()
    for name in LASTING:
        vars(registry).pop(name, None)
    second = Site(chain, registry, key=key)
    second.settle()
    assert all(state is OutboxState.FINALIZED for state in second.states())
    assert registry.unreceipted() == []
    received = {
        messages.open_message(reply.payload).fields["subject"]
        for reply in first.replies + second.replies
    }
    assert len(received) == 8, "receipts may come twice, but each comes"
    second.check_history()
    return fuse.effects


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_each_cut_heals(chain: LocalChain, after: bool) -> None:
    owner = chain.funded_account()
    chain.register_owner(owner)
    blow_at = 1
    while one_life_cut(chain, owner, blow_at, after) >= blow_at:
        blow_at += 1
    print(f"{blow_at - 1} places to die")
    assert blow_at > 15
