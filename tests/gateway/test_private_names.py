"""The private names of libraries that a measured decision uses still exist, each in one file."""

from __future__ import annotations

import socket
from pathlib import Path

import paho.mqtt.client as paho
import pytest

import countersign_gateway
from countersign_gateway.ingress.mqtt.paho_client import PahoClient

PACKAGE = Path(countersign_gateway.__file__).parent


def the_only_file_with(text: str) -> str:
    found = [path for path in PACKAGE.rglob("*.py") if text in path.read_text(encoding="utf-8")]
    assert len(found) == 1, found
    return str(found[0].relative_to(PACKAGE))


@pytest.mark.parametrize("name", ["secp256k1_keypair_create", "secp256k1_schnorrsig_sign32"])
def test_coincurve_still_has_the_private_names_that_signing_uses(name):
    message = (
        "coincurve no longer has {}: statements/libsecp256k1.py needs another way to sign with a"
        " prepared key pair, or coincurve.PrivateKey.sign_schnorr (see decision 0014)"
    )
    try:
        from coincurve._libsecp256k1 import ffi, lib
        from coincurve.context import GLOBAL_CONTEXT
    except ImportError as missing:
        pytest.fail(message.format(missing.name))
    assert hasattr(lib, name), message.format(f"lib.{name}")
    assert hasattr(GLOBAL_CONTEXT, "ctx"), message.format("GLOBAL_CONTEXT.ctx")
    assert ffi.new("secp256k1_keypair *"), message.format("secp256k1_keypair")


@pytest.mark.parametrize("name", ["_create_socket", "_create_socket_connection"])
def test_paho_still_has_the_private_names_that_the_socket_needs(name):
    assert callable(getattr(paho.Client, name, None)), (
        f"paho.mqtt.client.Client.{name} is gone: ingress/mqtt/paho_client.py needs another way to"
        " give paho its socket (see decisions 0012 and 0014)"
    )


def test_paho_takes_our_socket():
    client = PahoClient("test", None, None)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client.connect("127.0.0.1", listener.getsockname()[1])
        found = client.buffered_socket()
        assert len(client._out_packet) == 1, "paho keeps what it is to write by another name"
        assert found is not None, "paho opens its socket by another name than _create_socket"
        found.close()


def test_only_one_file_knows_them():
    assert the_only_file_with("coincurve._") == "statements/libsecp256k1.py"
    assert the_only_file_with("_create_socket") == "ingress/mqtt/paho_client.py"
    assert the_only_file_with("_out_packet") == "ingress/mqtt/paho_client.py"
    assert the_only_file_with("GLOBAL_CONTEXT") == "statements/libsecp256k1.py"
