"""One module builds and reads topics, and it refuses near misses."""

from countersign.carriers import topics

DEVICE = bytes(range(32))
HEX = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"


def test_build():
    base = "countersign/v1/store-0042/" + HEX
    assert topics.uplink("store-0042", DEVICE, "evidence") == base + "/up/evidence"
    assert topics.downlink("store-0042", DEVICE, "result") == base + "/down/result"
    assert topics.downlink_filter("store-0042", DEVICE) == base + "/down/+"
    assert topics.presence("store-0042", DEVICE) == base + "/presence"
    assert topics.beacon("store-0042") == "countersign/v1/store-0042/gateway/beacon"
    assert topics.uplink_filter("store-0042") == "countersign/v1/store-0042/+/up/+"


def test_round_trip():
    for kind in ("enrol", "evidence"):
        assert topics.parse_uplink("s", topics.uplink("s", DEVICE, kind)) == (DEVICE, kind)


def test_near_misses_are_no_topic():
    good = topics.uplink("s", DEVICE, "evidence")
    for topic in (
        "",
        good + "/",
        good + "/x",
        "/" + good,
        good.replace("/s/", "/t/"),
        good.replace("/up/", "/down/"),
        good.replace("evidence", "result"),
        good.replace("evidence", "evidence "),
        good.replace(HEX, HEX[:-1]),
        good.replace(HEX, HEX + "0"),
        good.replace("0a", "0A"),
        good.replace("v1", "v2"),
        topics.beacon("s"),
        topics.presence("s", DEVICE),
    ):
        assert topics.parse_uplink("s", topic) is None, topic


def test_site_names():
    for site in ("", "Store", "a/b", "a+", "#", "x" * 33, "é"):
        try:
            topics.check_site(site)
        except ValueError:
            continue
        raise AssertionError("accepted a site name that could break a topic")
    assert topics.check_site("ward-3") == "ward-3"
