"""The gateway's client id at a broker that does not bind client ids to accounts."""

from __future__ import annotations

from countersign.tagged import tagged_sha256


def client_id(gateway_secret: bytes) -> str:
    """Stable, so that the broker keeps the session, and unknown to whoever has no secret of ours.

    A broker hands the session to whoever connects with its client id, so the id must not follow
    from public data. It has 23 characters, as many as every broker accepts.
    """
    return "cs-" + tagged_sha256("countersign/BrokerClientId/1", gateway_secret)[:10].hex()
