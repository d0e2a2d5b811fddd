"""The accounts of a site's broker: both sides compute the same password, and nobody else does."""

from countersign import accounts
from support.protocol import vector_files


def test_names_and_passwords_are_the_committed_ones():
    cases = vector_files.load("accounts")
    assert len(cases) == 5
    for case in cases:
        site_key = bytes.fromhex(case["site_account_key"])
        device_id = bytes.fromhex(case["username"])
        shared = accounts.shared_secret(bytes.fromhex(case["device_secret"]), site_key)
        assert shared.hex() == case["shared"]
        assert accounts.username(device_id) == case["username"]
        assert accounts.device_password(shared, case["site"]) == case["password"]
        assert accounts.lobby_username(device_id) == case["lobby_username"]
        assert accounts.lobby_password(site_key, case["site"]) == case["lobby_password"]


def test_the_site_computes_what_the_device_computes():
    case = vector_files.load("accounts")[0]
    shared = accounts.shared_secret(
        bytes.fromhex(case["site_account_secret"]), bytes.fromhex(case["device_key"])
    )
    assert shared.hex() == case["shared"]


def test_another_site_or_another_key_has_another_password():
    one, other = vector_files.load("accounts")[:2]
    secret = bytes.fromhex(one["device_secret"])
    keys = [bytes.fromhex(case["site_account_key"]) for case in (one, other)]
    shared = [accounts.shared_secret(secret, key) for key in keys]
    passwords = [accounts.device_password(x, site) for x in shared for site in ("a", "b")]
    passwords += [accounts.lobby_password(key, site) for key in keys for site in ("a", "b")]
    assert len(set(passwords)) == 8
    for password in passwords:
        assert len(password) == 43
        assert (
            not password.replace("-", "a")
            .replace("_", "a")
            .strip("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
        )


def test_a_key_of_no_point_is_refused():
    for key in (bytes(31) + b"\x05", b"\xff" * 32):
        try:
            accounts.shared_secret(b"\x01" * 32, key)
        except ValueError:
            continue
        raise AssertionError("accepted")
