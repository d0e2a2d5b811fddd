"""A log is claimed, goes on in another and gets another key: from Python, on a chain."""

import hashlib
import secrets

import pytest

from countersign_cli.auditing.ledger_audit import batch_events
from countersign_gateway.anchoring.contract_codec import ContractCodec
from countersign_gateway.statements.keys import SigningKey
from countersign_gateway.statements.log_statement import LogPlace
from countersign_workshop.ledger import deployment

pytestmark = pytest.mark.chain


@pytest.fixture
def place(register):
    return LogPlace(register.chain.chain_id, _log(register))


@pytest.fixture
def codec(register):
    return ContractCodec(_log(register), bytes(20))


def _log(register):
    return deployment.address_bytes(register.contracts["CommitmentLog"])


def _send(register, sender, call):
    return sender.transact(register.chain.rpc_url, call.data, deployment.address_text(call.to))


def _append(register, sender, first, head, count):
    for sequence in range(first, first + count):
        root = hashlib.sha256(head + sequence.to_bytes(8, "big")).digest()
        register.append(sequence, head, root, 1, sender=sender)
        head = hashlib.sha256(head + root + (1).to_bytes(4, "big")).digest()
    return head


def test_the_statements_are_the_same_in_python_and_solidity(register, place):
    a, b = secrets.token_bytes(20), secrets.token_bytes(20)
    head, old, new = (secrets.token_bytes(32) for _ in range(3))
    one, other = deployment.address_text(a), deployment.address_text(b)
    functions = register.log.functions
    assert functions.claimDigest(one).call() == place.claim(a)
    assert functions.successionDigest(one, other, 7, head).call() == place.succession(a, b, 7, head)
    keys = int.from_bytes(old, "big"), int.from_bytes(new, "big")
    assert functions.rotationDigest(one, *keys).call() == place.rotation(a, old, new)
    key = SigningKey(secrets.token_bytes(32))
    gateway_id = functions.gatewayIdOf(int.from_bytes(key.public_key, "big")).call()
    assert gateway_id == key.gateway_id


def test_a_log_goes_on_without_a_thiefs_batch(register, place, codec):
    key = SigningKey(secrets.token_bytes(32))
    stolen, fresh = register.funded(), register.funded()
    claim = codec.claim_call(key.public_key, key.sign(place.claim(stolen.address)))
    _send(register, stolen, claim)
    head = _append(register, stolen, 1, bytes(32), 3)
    register.append(4, head, secrets.token_bytes(32), 1, sender=stolen)  # the thief's
    statement = place.succession(stolen.address, fresh.address, 3, head)
    _send(register, fresh, codec.succeed_call(stolen.address, 3, head, key.sign(statement)))
    with pytest.raises(deployment.DeploymentError, match="LogClosed"):
        register.append(5, head, secrets.token_bytes(32), 1, sender=stolen)
    last = _append(register, fresh, 4, head, 2)
    assert register.tip(fresh) == (5, last)
    events = batch_events(
        register.chain.rpc_url,
        register.contracts["CommitmentLog"],
        deployment.address_text(fresh.address),
    )
    assert [event["sequence"] for event in events] == [1, 2, 3, 4, 5]
    assert [event["gateway"] for event in events] == [
        deployment.address_text(account.address) for account in [stolen] * 3 + [fresh] * 2
    ]
    assert events[2]["head"] == head and events[4]["head"] == last


def test_a_thief_cannot_close_the_log(register, place, codec):
    key, thief_key = SigningKey(secrets.token_bytes(32)), SigningKey(secrets.token_bytes(32))
    stolen, thief = register.funded(), register.funded()
    claim = codec.claim_call(key.public_key, key.sign(place.claim(stolen.address)))
    _send(register, stolen, claim)
    statement = place.succession(stolen.address, thief.address, 0, bytes(32))
    forged = codec.succeed_call(stolen.address, 0, bytes(32), thief_key.sign(statement))
    with pytest.raises(deployment.DeploymentError, match="InvalidProof"):
        _send(register, thief, forged)


def test_a_gateways_key_is_replaced(register, place, codec):
    old, new = SigningKey(secrets.token_bytes(32)), SigningKey(secrets.token_bytes(32))
    account = register.funded()
    _send(
        register, account, codec.claim_call(old.public_key, old.sign(place.claim(account.address)))
    )
    statement = place.rotation(account.address, old.public_key, new.public_key)
    call = codec.rotate_call(new.public_key, old.sign(statement), new.sign(statement))
    _send(register, account, call)
    address = deployment.address_text(account.address)
    key = register.log.functions.gatewayKeyOf(address).call()
    assert key == int.from_bytes(new.public_key, "big")
