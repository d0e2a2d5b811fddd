"""The accounts of a site's broker (PROTOCOL.md, section 12): names and passwords from keys.

A device has an account of its own. Its password follows from the shared secret of the device's key
and the site's account key, so each side computes it and no file holds it. A device that the site
does not know yet uses one of 64 shared accounts, the *lobby*, whose password follows from the
site's settings. A password admits to topics. It proves nothing about a device.
"""

from binascii import b2a_base64

from countersign.proofs import engines
from countersign.tagged import tagged_sha256

LOBBIES = 64
LOBBY = "lobby-"


def username(device_id: bytes) -> str:
    """The account of a known device, also its client id and its level in topics."""
    return "".join(["%02x" % byte for byte in device_id])


def lobby_username(device_id: bytes) -> str:
    """The account of a device that the site does not know yet."""
    return LOBBY + "%02d" % (device_id[0] % LOBBIES)


def shared_secret(secret_key: bytes, public_key: bytes) -> bytes:
    """The x (32 bytes) of secret_key·P, where P is the point of an x-only key with even y.

    Constant time with the native engine. ValueError if public_key belongs to no point.
    """
    point = engines.active.lift_x(public_key)
    if point is None:
        raise ValueError("the key belongs to no point")
    return engines.active.linear(secret_key, point)[:32]


def device_password(shared: bytes, site: str) -> str:
    """A device's password, from the 32 bytes of `shared_secret`."""
    return _text(tagged_sha256("countersign/BrokerPassword/1", shared, site.encode()))


def lobby_password(site_account_key: bytes, site: str) -> str:
    """The lobby's password, from the public half of the site's account key."""
    return _text(tagged_sha256("countersign/LobbyPassword/1", site_account_key, site.encode()))


def _text(digest):
    """base64url without padding: 43 characters."""
    text = b2a_base64(digest).decode().rstrip("\n=")
    return text.replace("+", "-").replace("/", "_")
