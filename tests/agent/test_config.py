"""The configuration is read strictly."""

from memory_site import GATEWAY_KEY
from rig import settings

from countersign import identity
from countersign_agent.config import Config, ConfigError


def expect_refused(**changes):
    try:
        Config(settings(**changes))
    except ConfigError as error:
        for value in changes.values():
            if isinstance(value, str) and len(value) > 8:
                assert value not in str(error), "a value in the error"
        return
    raise AssertionError("accepted: " + str(changes))


def test_defaults_and_types():
    config = Config(settings())
    assert config.gateway_public_key == GATEWAY_KEY
    assert config.environment == identity.ENVIRONMENT_EMULATED
    assert config.broker_port == 1883
    assert config.tls_ca_path is None
    assert Config(settings(environment="hardware")).environment == identity.ENVIRONMENT_HARDWARE


def test_what_cannot_be_meant_is_refused():
    expect_refused(gateway_public_key="00" * 31)
    expect_refused(gateway_public_key="zz" * 32)
    expect_refused(gateway_public_key=None)
    expect_refused(site="Ward 3")
    expect_refused(site="a/b")
    expect_refused(site="")
    expect_refused(broker_port=0)
    expect_refused(broker_port="1883")
    expect_refused(broker_port=True)
    expect_refused(check_in_interval_ms=0)
    expect_refused(check_in_interval_ms=1.5)
    expect_refused(environment="moon")
    expect_refused(broker_password="a password without a name")
    expect_refused(reconnect_least_ms=5000, reconnect_most_ms=1000)
    expect_refused(owner="11" * 19)
    expect_refused(chek_in_interval_ms=1000)
    expect_refused(name=["list"])


def test_only_an_object_is_a_configuration():
    for value in (None, [], "text", 3):
        try:
            Config(value)
        except ConfigError:
            continue
        raise AssertionError("accepted")
