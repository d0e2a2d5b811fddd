"""Everything about a site's broker but its messages: which one it is, and who gets in there."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from countersign_gateway.config import Endpoint, MqttConfig
from countersign_gateway.ingress.mqtt.account_book import AccountBook, password_line
from countersign_gateway.ingress.mqtt.account_files import AccountFiles, Roster
from countersign_gateway.ingress.mqtt.broker_tls import client_context
from countersign_gateway.ingress.mqtt.inner_way import InnerWay
from countersign_gateway.ingress.mqtt.own_broker import OwnBroker
from countersign_gateway.ingress.mqtt.password_file import read_password
from countersign_gateway.operations.alarms import Alarms
from countersign_gateway.operations.log import EventLog


@dataclass(frozen=True, slots=True)
class BrokerSide:
    """The broker of a running site.

    address: where devices connect. inner: how the gateway gets into the own broker; None of another
    one, which it reaches at the same address with username, password and tls.
    """

    address: Endpoint
    username: str | None = None
    password: str | None = None
    tls: ssl.SSLContext | None = None
    own: OwnBroker | None = None
    accounts: AccountFiles | None = None

    @property
    def inner(self) -> Callable[[], InnerWay | None] | None:
        return None if self.own is None else self.own.way

    def tick(self, now_s: float) -> None:
        """Give accounts and take them away. now_s: monotonic seconds."""
        if self.own is not None:
            self.own.tick(now_s)
        if self.accounts is not None:
            self.accounts.tick(now_s)

    def stop(self) -> None:
        if self.own is not None:
            self.own.stop()


def start_broker_side(
    config: MqttConfig, site: str, folder: Path, roster: Roster, log: EventLog, alarms: Alarms
) -> BrokerSide:
    """Start the own broker in `folder`, or write what the configured one needs.

    OperatorError if the own broker cannot run, or a file cannot be used.
    """
    if config.broker is None:
        own = OwnBroker(
            listen=config.listen,
            site=site,
            folder=folder,
            book=_book(config, site),
            roster=roster,
            log=log,
            alarms=alarms,
            issue=_issuer(config),
        )
        return BrokerSide(own.start(), own=own)
    username, password = config.username, read_password(config.password_file)
    accounts = None
    if config.accounts_folder is not None and username and password:
        line = password_line(username, password)
        accounts = AccountFiles.for_another_broker(
            config.accounts_folder, site, _book(config, site), roster, line
        )
        accounts.write_rules(username)
        accounts.write()
    return BrokerSide(
        config.broker,
        username,
        password,
        tls=client_context(config),
        accounts=accounts,
    )


def _book(config: MqttConfig, site: str) -> AccountBook:
    if config.site_account_key_file is None:
        raise RuntimeError("the configuration lets no accounts be without this key")
    return AccountBook.from_file(config.site_account_key_file, site)


def _issuer(config: MqttConfig) -> Callable[[], tuple[str, str]] | None:
    """What makes the broker's key and certificate; None without TLS."""
    if config.authority_file is None:
        return None
    # Imported here: a site without TLS need not load this library.
    from countersign_gateway.ingress.mqtt.site_authority import SiteAuthority

    authority = SiteAuthority.from_file(config.authority_file)
    names = [*config.tls_names, "localhost", "127.0.0.1"]
    if config.listen.host not in ("0.0.0.0", "::", *names):
        names.append(config.listen.host)
    return lambda: authority.issue(names)
