"""The connection to a ledger's node."""

from __future__ import annotations

from typing import Any

import requests
from web3 import HTTPProvider

from countersign_contracts.loopback import is_loopback


def http_provider(url: str, **options: Any) -> HTTPProvider:
    """A provider for a node. options: those of web3's HTTPProvider.

    A node on this machine is reached directly, whatever HTTP_PROXY says: a proxy would look for it
    on its own machine, and would see every call.
    """
    session = requests.Session()
    session.trust_env = not is_loopback(url)
    return HTTPProvider(url, session=session, **options)
