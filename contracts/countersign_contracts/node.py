"""The connection to a ledger's node."""

from __future__ import annotations

import ipaddress
from typing import Any
from urllib.parse import urlsplit

import requests
from web3 import HTTPProvider


def http_provider(url: str, **options: Any) -> HTTPProvider:
    """A provider for a node. options: those of web3's HTTPProvider.

    A node on this machine is reached directly, whatever HTTP_PROXY says: a proxy would look for it
    on its own machine, and would see every call.
    """
    session = requests.Session()
    session.trust_env = not is_loopback(url)
    return HTTPProvider(url, session=session, **options)


def is_loopback(url: str) -> bool:
    """Whether a URL names this machine."""
    host = urlsplit(url).hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
