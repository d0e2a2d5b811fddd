"""MQTT topics: the one place that builds and reads them.

    countersign/v1/<site>/<device_id>/up/<kind>     written by that device alone
    countersign/v1/<site>/<device_id>/down/<kind>   read by that device
    countersign/v1/<site>/<device_id>/presence      retained birth and last will; a hint only
    countersign/v1/<site>/gateway/beacon            retained

A device that the site does not know yet has `lobby-<nn>` in place of `<device_id>`: the name of
its account at the broker (accounts.py). So one access rule serves every account: it writes
`…/<account>/up/#` and reads `…/<account>/down/#`. The gateway does not trust a topic: it must agree
with the signed message (reason WRONG_TOPIC).
"""

from countersign.carriers import kinds

ROOT = "countersign/v1/"
MAX_SITE_BYTES = 32
_SITE_CHARACTERS = "abcdefghijklmnopqrstuvwxyz0123456789-"
_HEX_CHARACTERS = "0123456789abcdef"
_UPLINKS = [kind.name for kind in kinds.ALL if kind.direction == kinds.UP]


def check_site(site: str) -> str:
    """Return `site`; ValueError unless it is 1 to 32 of a-z, 0-9 and '-'."""
    if not 0 < len(site) <= MAX_SITE_BYTES or any([c not in _SITE_CHARACTERS for c in site]):
        raise ValueError("a site is 1 to 32 of a-z, 0-9 and '-'")
    return site


def of(site: str, device_id: bytes, kind: kinds.Kind) -> str:
    """The topic that carries a kind of message, from this device, to it, or for the whole site."""
    if kind.direction == kinds.SITE:
        return ROOT + check_site(site) + "/" + kind.path
    return _device(site, device_id) + "/" + kind.path


def of_account(site: str, account: str, end: str) -> str:
    """The topic, or the filter, of an account at the broker. end: a kind's path, "down/+" …"""
    return ROOT + check_site(site) + "/" + account + "/" + end


def uplink(site: str, device_id: bytes, kind: str) -> str:
    return _device(site, device_id) + "/up/" + kind


def downlink(site: str, device_id: bytes, kind: str) -> str:
    return _device(site, device_id) + "/down/" + kind


def downlink_filter(site: str, device_id: bytes) -> str:
    return _device(site, device_id) + "/down/+"


def uplink_filter(site: str) -> str:
    return ROOT + check_site(site) + "/+/up/+"


def presence(site: str, device_id: bytes) -> str:
    return _device(site, device_id) + "/presence"


def beacon(site: str) -> str:
    return of(site, b"", kinds.BEACON)


def parse_uplink(site: str, topic: str) -> tuple:
    """(device_id, kind) of an uplink topic of `site`, or None if it is not exactly one."""
    prefix = ROOT + site + "/"
    if not topic.startswith(prefix):
        return None
    parts = topic[len(prefix) :].split("/")
    if len(parts) != 3 or parts[1] != "up" or parts[2] not in _UPLINKS:
        return None
    name = parts[0]
    if len(name) != 64 or any([c not in _HEX_CHARACTERS for c in name]):
        return None
    return bytes.fromhex(name), parts[2]


def _device(site, device_id):
    if len(device_id) != 32:
        raise ValueError("device_id must be 32 bytes")
    return ROOT + check_site(site) + "/" + "".join(["%02x" % byte for byte in device_id])
