"""Tests a running broker against what PROTOCOL.md, section 12, asks of it.

Two accounts with the rights of devices (`check-00` and `check-01`) attack one another. Nothing of
the site is disturbed: no device's account is used, nothing is retained, and what goes to the
beacon's topic, where the broker lets it through, is no message and is ignored by every device.
"""

from __future__ import annotations

import json
import secrets
import ssl
from collections.abc import Iterator
from dataclasses import dataclass

from countersign.carriers import topics
from countersign_cli.broker_probe import Account, Probe, Will
from countersign_cli.mendable import Mendable
from countersign_gateway.config import Config, Endpoint
from countersign_gateway.ingress.mqtt.account_book import CHECKERS, AccountBook
from countersign_gateway.ingress.mqtt.broker_tls import client_context
from countersign_gateway.ingress.mqtt.site_authority import SiteAuthority

QUIET_S = 1.0
MIB_LENGTH = b"\x80\x80\x40"  # the remaining length of a packet of 1 MiB (MQTT 3.1.1, 2.2.3)


class BrokerUnchecked(Mendable):
    """The broker cannot be checked. The text says why."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule, and whether the broker keeps it. sentence: what holds, or what to set."""

    holds: bool
    sentence: str


class BrokerCheck:
    """Checks one broker. address: where clients reach it."""

    def __init__(
        self, address: Endpoint, tls: ssl.SSLContext | None, site: str, book: AccountBook
    ) -> None:
        self._address = address
        self._tls = tls
        self._site = site
        self._password = book.checker_password()
        self._one, self._other = CHECKERS

    def findings(self) -> Iterator[Finding]:
        """Each rule in turn. BrokerUnchecked if the broker is away or knows no checkers."""
        try:
            if not self._probe(self._one).admitted:
                raise BrokerUnchecked(
                    f"the broker does not admit {self._one}: give it the files "
                    "that the gateway writes to ingress.mqtt.accounts_folder"
                )
            yield self._anonymous()
            yield self._wrong_password()
            yield self._takeover()
            yield self._foreign_write()
            yield self._foreign_read()
            yield self._will()
            yield self._oversized()
            yield self._keep_alive()
            yield self._in_the_clear()
        except OSError as error:
            raise BrokerUnchecked(
                f"the broker at {self._address.host}:{self._address.port} cannot be reached: "
                f"{error.strerror or type(error).__name__}"
            ) from None

    def _anonymous(self) -> Finding:
        return _found(
            not self._open("nobody", None).admitted,
            "nobody gets in without an account",
            "a client without an account gets in: set allow_anonymous to false",
        )

    def _wrong_password(self) -> Finding:
        return _found(
            not self._open(self._one, (self._one, "guess")).admitted,
            "nobody gets in with a wrong password",
            "a wrong password gets in: set password_file",
        )

    def _takeover(self) -> Finding:
        victim = self._probe(self._one)
        thief = self._open(self._one, (self._other, self._password))
        kept = victim.stays(QUIET_S)
        for probe in (victim, thief):
            probe.drop()
        return _found(
            kept,
            "nobody takes a session over by its client id",
            "a client id takes another account's session over: set use_username_as_clientid to "
            "true behind the `listener` line",
        )

    def _foreign_write(self) -> Finding:
        mark = secrets.token_bytes(16)
        victim = self._listener(self._own("down/+"), topics.beacon(self._site))
        other = self._probe(self._other)
        for topic in (self._own("down/result"), topics.beacon(self._site)):
            other.publish(topic, mark)
        heard = mark in victim.heard(QUIET_S, mark)
        for probe in (victim, other):
            probe.drop()
        return _found(
            not heard,
            "an account writes under its own name alone",
            "an account writes to topics of others: set acl_file",
        )

    def _foreign_read(self) -> Finding:
        mark = secrets.token_bytes(16)
        other = self._probe(self._other)
        other.subscribe("#", self._own("presence"))
        one = self._listener(self._own("presence"))
        one.publish(self._own("presence"), mark)
        if mark not in one.heard(5 * QUIET_S, mark):
            raise BrokerUnchecked(
                f"the broker gives {self._one} no right to its own topics: set acl_file"
            )
        heard = mark in other.heard(QUIET_S, mark)
        for probe in (one, other):
            probe.drop()
        return _found(
            not heard,
            "an account reads its own topics and the beacon alone",
            "an account reads topics of others: set acl_file",
        )

    def _will(self) -> Finding:
        mark = secrets.token_bytes(16)
        victim = self._listener(self._own("down/+"))
        self._probe(self._other, (self._own("down/result"), mark)).drop()
        heard = mark in victim.heard(QUIET_S, mark)
        victim.drop()
        return _found(
            not heard,
            "a will has no more rights than its account",
            "a will goes to a topic of another account: set acl_file",
        )

    def _oversized(self) -> Finding:
        probe = self._probe(self._one)
        topic = self._own("up/evidence").encode()
        head = len(topic).to_bytes(2, "big") + topic
        probe.send(b"\x30" + MIB_LENGTH + head + bytes(65536))
        closed = not probe.stays(QUIET_S)
        probe.drop()
        return _found(
            closed,
            "a packet that is too long is refused by its head",
            "the broker takes a packet of 1 MiB: set max_packet_size to 4096",
        )

    def _keep_alive(self) -> Finding:
        refused = not self._probe(self._one, keep_alive_s=0).admitted
        return _found(
            refused,
            "no client stays without a keep-alive",
            "a client may stay for ever without a word: set max_keepalive to 3660",
        )

    def _in_the_clear(self) -> Finding:
        return _found(
            self._tls is not None or self._address.is_local,
            "no password is readable on the network"
            if self._tls is not None
            else "this check stayed on this machine (that others must use TLS: untested)",
            "passwords are readable on the network: use mqtts://",
        )

    def _own(self, end: str) -> str:
        topic: str = topics.of_account(self._site, self._one, end)
        return topic

    def _listener(self, *filters: str) -> Probe:
        probe = self._probe(self._one)
        probe.subscribe(*filters)
        probe.heard(0.2)  # what the broker retains for these topics
        return probe

    def _probe(self, name: str, will: Will | None = None, keep_alive_s: int = 60) -> Probe:
        return self._open(name, (name, self._password), will, keep_alive_s)

    def _open(
        self,
        client_id: str,
        account: Account | None,
        will: Will | None = None,
        keep_alive_s: int = 60,
    ) -> Probe:
        return Probe(self._address, self._tls, client_id, account, will, keep_alive_s)


def _found(holds: bool, good: str, bad: str) -> Finding:
    return Finding(holds, good if holds else bad)


def of_site(config: Config) -> BrokerCheck:
    """The check of a site's configured broker, which must be running."""
    mqtt = config.mqtt
    if mqtt is None:
        raise BrokerUnchecked("this site has serial lines only, and no broker")
    if mqtt.site_account_key_file is None:
        raise BrokerUnchecked(
            "ingress.mqtt.site_account_key_file is missing: name a file, which countersign "
            "gateway init makes"
        )
    address = mqtt.broker if mqtt.broker is not None else _own_address(config, mqtt.listen)
    book = AccountBook.from_file(mqtt.site_account_key_file, config.site)
    tls = client_context(mqtt)
    if mqtt.authority_file is not None:
        authority = SiteAuthority.from_file(mqtt.authority_file)
        tls = ssl.create_default_context(cadata=authority.certificate_pem())
    return BrokerCheck(address, tls, config.site, book)


def _own_address(config: Config, listen: Endpoint) -> Endpoint:
    """Where the own broker listens; the status file knows a port that the gateway chose."""
    port = listen.port
    if port == 0:
        try:
            status = json.loads(config.registry_path.with_name("status.json").read_text("utf-8"))
            port = int(status["broker"]["port"])
        except (OSError, ValueError, KeyError):
            raise BrokerUnchecked("the gateway is not running") from None
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(listen.host, listen.host)
    return Endpoint(host, port)
