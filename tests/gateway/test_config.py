"""gateway.toml: its settings are read, and each fault gives one clear sentence.

The file is as long as the list of faults.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from countersign_gateway import config
from countersign_gateway.config import ConfigError, Endpoint, SerialConfig, reference

FOLDER = Path("/site")
MQTT = '[ingress.mqtt]\nsite_account_key_file = "site_account.key"\n'
LEAST = """
[site]
name = "store-17"
[gateway]
key_file = "gateway.key"
[ingress.mqtt]
site_account_key_file = "site_account.key"
[policy]
owner = "0x00000000000000000000000000000000000000aa"
"""
ANCHORING = """
[anchoring]
rpc_urls = ["http://user:token@127.0.0.1:8545/secret"]
chain_id = 31337
commitment_log = "0x0101010101010101010101010101010101010101"
device_registry = "0x0202020202020202020202020202020202020202"
ledger_key_file = "ledger.key"
"""


def parse(text: str) -> config.Config:
    return config.parse(text, FOLDER)


def test_the_least_that_works_and_what_it_means():
    read = parse(LEAST)
    assert read.site == "store-17"
    assert read.key_file == FOLDER / "gateway.key"
    assert read.mqtt.broker is None
    assert read.mqtt.listen == Endpoint("127.0.0.1", 1883)
    assert read.policy.owner == bytes(19) + b"\xaa"
    assert not read.policy.allow_emulated
    assert read.anchoring is None
    assert read.registry_path == FOLDER / "registry.sqlite3"


def test_everything_that_can_be_set():
    text = LEAST.replace(MQTT, "").replace("owner =", "allow_emulated = true\nowner =")
    read = parse(
        text
        + ANCHORING
        + """
batch_max = 10
batch_age_s = 0.5
[ingress.mqtt]
broker = "mqtt://[::1]:1884"
username = "gateway"
password_file = "broker.password"
[verification]
beacon_interval_s = 5
challenge_ttl_s = 7.5
[registry]
path = "/var/lib/countersign/registry.sqlite3"
[freshness]
degraded_after_s = 12
"""
    )
    assert read.policy.allow_emulated
    assert read.mqtt.broker == Endpoint("::1", 1884)
    assert read.mqtt.password_file == FOLDER / "broker.password"
    assert read.verification == config.VerificationConfig(5.0, 7.5)
    assert read.registry_path == Path("/var/lib/countersign/registry.sqlite3")
    assert read.degraded_after_s == 12.0
    assert read.anchoring is not None
    assert (read.anchoring.batch_max, read.anchoring.batch_age_s) == (10, 0.5)
    assert read.anchoring.commitment_log == b"\x01" * 20


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (("name =", "nmae ="), "site.nmae is not a setting; did you mean site.name?"),
        (("[policy]", "[polcy]"), "the section [policy] is missing"),
        (("[site]", "[site"), "gateway.toml is not valid TOML"),
        (("[policy]", "[policy]\npolicy_version = " + "9" * 5000), "is not valid TOML"),
        (('"store-17"', '"Store 17"'), "site.name must be 1 to 32 of a-z, 0-9 and '-'"),
        (('"store-17"', "17"), "site.name must be a text that is not empty"),
        (("0x00", "0x"), "policy.owner must be an address: 0x and 40 hexadecimal digits"),
        (('key_file = "gateway.key"', ""), "gateway.key_file is missing"),
        (("[ingress.mqtt]", "[ingress.mqtt]\nbroker = 'tcp://x:1'"), 'must be "own", "mqtt://'),
        (("[ingress.mqtt]", "[ingress.mqtt]\nbroker = 'mqtt://x'"), 'must be "host:port"'),
        (("[ingress.mqtt]", "[ingress.mqtt]\nlisten = '1883'"), 'listen must be "host:port"'),
        (("[ingress.mqtt]", "[ingress.mqtt]\nlisten = 'x:70000'"), "listen must have a port of"),
        (("[ingress.mqtt]", "[ingress.mqtt]\nusername = 'x'"), "no meaning with the site's own"),
        (("[ingress.mqtt]", "[ingress.mqtt]\npassword_file = 'x'"), "needs a username beside it"),
        (("[policy]", "[policy]\nallow_emulated = 1"), "allow_emulated must be true or false"),
        (("[policy]", "[policy]\npolicy_version = -1"), "must be a whole number from 0"),
        (("[policy]", "[policy]\ndevice_class = true"), "must be 1 (standard) or 2"),
        (("[policy]", "[freshness]\ndegraded_after_s = 0\n[policy]"), "must be more than 0"),
        (("[policy]", "[registry]\npaht = 'x'\n[policy]"), "did you mean registry.path?"),
        (("[policy]", "extra = 1\n[policy]"), "ingress.mqtt.extra is not a setting"),
        (("[policy]", "[surplus]\n[policy]"), "surplus is not a setting"),
        (("[policy]", "[anchoring]\nchain_id = 1\n[policy]"), "anchoring.rpc_urls is missing"),
    ],
)
def test_what_is_not_understood_is_one_sentence(change, sentence):
    with pytest.raises(ConfigError) as caught:
        parse(LEAST.replace(*change))
    assert sentence in caught.value.faults[0]
    assert str(caught.value) == "\n".join(caught.value.faults)
    assert not any("\n" in fault for fault in caught.value.faults)
    # A section with only one setting written lacks its other settings too.
    assert len(caught.value.faults) == (4 if "anchoring" in sentence else 1)


def test_everything_that_is_wrong_is_said_at_once():
    text = """
[site]
nmae = "store-17"
colour = "red"
[ingress]
[ingress.mqtt]
broker = "mqtt://me:secret@host:1"
password_file = "broker.password"
[[ingress.serial]]
url = "COM1"
baud = 9600
[[ingress.serial]]
baud = 1
speed = 2
[polcy]
[freshness]
degraded_after_s = 0
[registry]
paht = "x"
[anchoring]
rpc_urls = ["ftp://user:token@127.0.0.1"]
chain_id = 0
[surplus]
"""
    with pytest.raises(ConfigError) as caught:
        parse(text)
    assert sorted(caught.value.faults) == sorted(
        [
            "site.nmae is not a setting; did you mean site.name?",
            "site.colour is not a setting",
            "the section [gateway] is missing",
            'ingress.mqtt.broker must be "mqtt://host:port": the username stands in a setting of'
            " its own",
            "ingress.mqtt.password_file needs a username beside it",
            'ingress.serial.url must be a path such as "/dev/ttyACM0", or "socket://host:port"',
            "ingress.serial[2].url is missing",
            "ingress.serial[2].baud must be a whole number from 1200 to 12000000",
            "ingress.serial[2].speed is not a setting",
            "the section [policy] is missing (is [polcy] meant to be it?)",
            "freshness.degraded_after_s must be more than 0 and at most 86400 seconds",
            "registry.paht is not a setting; did you mean registry.path?",
            "anchoring.rpc_urls must be an http:// or https:// address",
            "anchoring.chain_id must be a whole number from 1 to 4294967295",
            "anchoring.commitment_log is missing",
            "anchoring.device_registry is missing",
            "anchoring.ledger_key_file is missing",
            "surplus is not a setting",
        ]
    )
    assert "secret" not in str(caught.value)
    assert "token" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("site = 1", "site must be a section, not a value"),
        ("ingress = []", "ingress must be a section, not a value"),
        ("[ingress]\nmqtt = 'x'", "ingress.mqtt must be a section, not a value"),
        ("[ingress]\nserial = [1]", "ingress.serial must be sections of the form"),
        ("anchoring = 'none'", "anchoring must be a section, not a value"),
    ],
)
def test_a_value_in_place_of_a_section(text, sentence):
    with pytest.raises(ConfigError) as caught:
        parse(text)
    assert any(sentence in fault for fault in caught.value.faults)


def test_the_own_broker_needs_the_site_account_key():
    with pytest.raises(ConfigError, match="countersign gateway init makes"):
        parse(LEAST.replace(MQTT, "[ingress.mqtt]\n"))
    assert parse(LEAST).mqtt.site_account_key_file == FOLDER / "site_account.key"


@pytest.mark.parametrize(
    ("broker", "settings", "fault"),
    [
        ("mqtt://127.0.0.1:1883", "username = 'g'", None),
        ("mqtt://[::1]:1883", "username = 'g'", None),
        ("mqtt://localhost:1883", "username = 'g'", None),
        ("mqtts://broker.ward-3:8883", "username = 'g'\npassword_file = 'p'", None),
        ("mqtts://10.0.0.7:8883", "tls_ca_file = 'ca'", None),
        ("mqtts://b:1", "client_certificate_file = 'c'\nclient_key_file = 'k'", None),
        ("mqtt://broker.ward-3:1883", "", None),
        ("mqtt://10.0.0.7:1883", "username = 'g'", "username would be sent in the clear"),
        ("mqtt://broker:1883", "username = 'g'", "username would be sent in the clear"),
        ("mqtt://localhost:1883", "tls_ca_file = 'ca'", "only with mqtts://"),
        ("mqtts://b:1", "client_key_file = 'k'", "client_certificate_file go together"),
        ("mqtts://b:1", "client_certificate_file = 'k'", "client_certificate_file go together"),
        ("own", "tls_ca_file = 'ca'", "no meaning with the site's own broker"),
        ("embedded", "", 'must be "own"'),
        ("mqtts://u@b:1", "", 'must be "mqtts://host:port"'),
    ],
)
def test_credentials_travel_safely_or_not_at_all(broker, settings, fault):
    text = LEAST.replace(MQTT, f'{MQTT}broker = "{broker}"\n{settings}\n')
    if fault is None:
        assert parse(text).mqtt.broker.tls == broker.startswith("mqtts")
        return
    with pytest.raises(ConfigError, match=fault):
        parse(text)


def test_the_page_of_settings_names_every_setting():
    page = reference.page()
    for section in ("site", "gateway", "[ingress.serial]", "ingress.mqtt", "policy", "anchoring"):
        assert f"## [{section}]\n" in page
    for name in ("degraded_after_s", "allow_emulated", "ledger_key_file", "baud"):
        assert f"| `{name}` |" in page


def test_a_site_of_serial_lines_needs_no_broker():
    without = LEAST.replace(MQTT, "")
    read = parse(without + '[[ingress.serial]]\nurl = "/dev/ttyACM0"\n')
    assert read.mqtt is None
    assert [line.url for line in read.serial] == ["/dev/ttyACM0"]
    with pytest.raises(ConfigError, match=r"\[ingress\] is missing"):
        parse(without)
    with pytest.raises(ConfigError, match=r"\[ingress.mqtt\] is missing"):
        parse(without + "[ingress]\n")
    with pytest.raises(ConfigError, match=r"did you mean ingress\.mqtt"):
        parse(without + '[ingress.mttq]\n[[ingress.serial]]\nurl = "/dev/ttyACM0"\n')


def test_serial_lines_are_listed():
    assert parse(LEAST).serial == ()
    read = parse(
        LEAST
        + """
[[ingress.serial]]
url = "/dev/ttyACM0"
[[ingress.serial]]
url = "socket://127.0.0.1:4000"
baud = 1000000
"""
    )
    assert read.serial == (
        SerialConfig("/dev/ttyACM0", 115200),
        SerialConfig("socket://127.0.0.1:4000", 1_000_000),
    )


@pytest.mark.parametrize(
    ("section", "sentence"),
    [
        ("[[ingress.serial]]", "ingress.serial.url is missing"),
        (
            '[ingress.serial]\nurl = "/dev/ttyACM0"',
            "ingress.serial must be sections of the form [[ingress.serial]]",
        ),
        (
            '[[ingress.serial]]\nurl = "COM1"',
            'ingress.serial.url must be a path such as "/dev/ttyACM0", or "socket://host:port"',
        ),
        (
            '[[ingress.serial]]\nurl = "socket://host"',
            'ingress.serial.url must be "host:port"',
        ),
        (
            '[[ingress.serial]]\nurl = "/dev/a"\nbaud = 0',
            "ingress.serial.baud must be a whole number from 1200 to 12000000",
        ),
        (
            '[[ingress.serial]]\nurl = "/dev/a"\nbuad = 9600',
            "ingress.serial.buad is not a setting; did you mean ingress.serial.baud?",
        ),
        (
            '[[ingress.serial]]\nurl = "/dev/a"\n[[ingress.serial]]\nurl = "/dev/a"',
            "ingress.serial names /dev/a twice",
        ),
    ],
)
def test_a_serial_line_that_is_not_understood_is_one_sentence(section, sentence):
    with pytest.raises(ConfigError) as refused:
        parse(LEAST + section)
    assert str(refused.value) == sentence


def test_a_username_inside_an_address_is_refused_without_being_repeated():
    with pytest.raises(ConfigError) as caught:
        parse(LEAST.replace("[ingress.mqtt]", "[ingress.mqtt]\nbroker = 'mqtt://me:pw9@host:1'"))
    assert "pw9" not in str(caught.value)


def test_an_access_token_stays_out_of_repr():
    assert "token" not in repr(parse(LEAST + ANCHORING))


def test_a_file_that_is_not_there():
    with pytest.raises(ConfigError, match="cannot be read"):
        config.load(Path("/nowhere/gateway.toml"))


def test_no_part_of_an_address_with_a_password_is_quoted():
    """urlsplit's own error quotes the host, and what stands before it."""
    text = LEAST + ANCHORING.replace("127.0.0.1:8545", "node\u2100.example:8545")
    with pytest.raises(ConfigError) as refused:
        parse(text)
    assert "anchoring.rpc_urls must be an http:// or https:// address" in str(refused.value)
    assert "token" not in str(refused.value)


def anchoring(**changes: str):
    """The anchoring settings, with these lines added to or in place of those above."""
    text = ANCHORING
    for name, value in changes.items():
        kept = [line for line in text.splitlines() if not line.startswith(f"{name} =")]
        text = "\n".join([*kept, f"{name} = {value}"])
    return parse(LEAST + text).anchoring


HERE = '"http://127.0.0.1:8545"'


def test_how_many_nodes_must_agree():
    assert anchoring().agree == 1
    three = '["https://a.example", "https://b.example", "https://c.example"]'
    assert anchoring(rpc_urls=three).agree == 2
    assert anchoring(rpc_urls=three, agree="3").agree == 3
    assert anchoring(rpc_urls='["https://a.example"]', agree="1").agree == 1
    assert anchoring(rpc_urls='["http://localhost:1", "http://[::1]:2"]').agree == 2


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"rpc_urls": '["http://node.example"]'}, "must be https:// unless the node is on this"),
        ({"rpc_urls": '["http://127.0.0.1.example"]'}, "must be https:// unless the node is on"),
        ({"rpc_urls": '["http://10.0.0.1:8545"]'}, "must be https:// unless the node is on this"),
        ({"rpc_urls": "[]"}, "anchoring.rpc_urls must be a list of"),
        ({"rpc_urls": HERE}, "anchoring.rpc_urls must be a list of"),
        ({"rpc_urls": f"[{HERE}, {HERE}]"}, "must not name an address twice"),
        ({"rpc_urls": '["https://a.example"]'}, "agree must be 1 to believe a single node"),
        ({"agree": "2"}, "agree must be from 1 to 1 for 1 nodes"),
        ({"rpc_urls": '["https://a.example", "https://b.example"]', "agree": "1"}, "from 2 to 2"),
        ({"finality": '"soon"'}, 'finality must be "finalized", "instant" or a number'),
        ({"finality": "0"}, "finality must be"),
        ({"finality": "true"}, "finality must be"),
        ({"blocks": '"sometimes"'}, 'blocks must be "steady" or "on_demand"'),
        ({"settle_within_s": "0"}, "settle_within_s must be more than 0"),
        ({"tip_gwei": "-1"}, "tip_gwei must be from 0 to 1000000 gwei"),
        ({"fee_cap_gwei": '"much"'}, "fee_cap_gwei must be a number of gwei"),
        ({"gas_per_day": "999999"}, "gas_per_day must be a whole number from 1000000 to"),
        ({"transactions": '"new"'}, 'transactions must be "auto", "dynamic" or "legacy"'),
    ],
)
def test_what_cannot_be_believed_is_refused(changes, sentence):
    with pytest.raises(ConfigError) as caught:
        anchoring(**changes)
    (fault,) = caught.value.faults
    assert sentence in fault


def test_finality_and_fees():
    read = anchoring()
    assert (read.finality, read.transactions) == ("finalized", "auto")
    assert (read.tip_gwei, read.fee_cap_gwei) == (10**9, 500 * 10**9)
    assert read.gas_per_day == 5 * 10**9
    assert anchoring(finality="12").finality == 12
    assert (read.blocks, read.settle_within_s) == ("steady", 3600.0)
    assert anchoring(blocks='"on_demand"').blocks == "on_demand"
    assert anchoring(finality='"instant"').finality == "instant"
    assert anchoring(tip_gwei="0.25").tip_gwei == 250_000_000
    assert anchoring(tip_gwei="0").tip_gwei == 0
