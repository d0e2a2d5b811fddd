"""The sections of gateway.toml: every setting, its default, and what it does.

This is the one list of settings: the reader validates by it, and CONFIGURATION.md is generated
from it. Each class is one section; the page prints the descriptions as they stand here. The file
is as long as the list.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass as stdlib_dataclass
from dataclasses import fields
from typing import Annotated, Any, get_args, get_type_hints

from pydantic import AfterValidator, ConfigDict, Field, ValidationInfo
from pydantic.dataclasses import dataclass, is_pydantic_dataclass
from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError

from countersign import identity
from countersign_contracts.loopback import is_loopback
from countersign_gateway.config.values import (
    Address,
    Baud,
    BlocksRule,
    Broker,
    Bytes,
    DeviceClass,
    Enrolment,
    File,
    FinalityRule,
    Flag,
    Gas,
    Gwei,
    HttpUrls,
    LineUrl,
    Listen,
    Meaning,
    Names,
    Positive,
    PublicKeys,
    Seconds,
    SiteName,
    Text,
    TransactionKind,
    Whole,
)

SECTION_MISSING = "section_missing"
_SECTION = ConfigDict(extra="forbid")
_UNREAD: Any = object()  # an earlier setting was refused, so nothing can be checked against it


def _needs_a_broker(value: Any, info: ValidationInfo) -> Any:
    if value is not None and info.data.get("broker", _UNREAD) is None:
        raise ValueError("has no meaning with the site's own broker")
    return value


def _travels_safely(username: str | None, info: ValidationInfo) -> str | None:
    broker = info.data.get("broker")
    if username is not None and broker is not None and not (broker.tls or broker.is_local):
        raise ValueError("would be sent in the clear: the broker's address must be mqtts://")
    return username


def _needs_tls(file: Any, info: ValidationInfo) -> Any:
    broker = info.data.get("broker")
    if file is not None and broker is not None and not broker.tls:
        raise ValueError("has a meaning only with mqtts://")
    return file


def _needed_by_own_broker(file: Any, info: ValidationInfo) -> Any:
    if file is None and info.data.get("broker", _UNREAD) is None:
        raise ValueError(
            'is needed by the site\'s own broker: name a file such as "site_account.key", which '
            "countersign gateway init makes"
        )
    return file


def _of_own_broker(value: Any, info: ValidationInfo) -> Any:
    if value is not None and info.data.get("broker", _UNREAD) is not None:
        raise ValueError("has a meaning only with the site's own broker")
    return value


def _needs_authority(names: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
    if names and info.data.get("authority_file", _UNREAD) is None:
        raise ValueError("needs authority_file beside it")
    return names


def _needs_accounts(folder: Any, info: ValidationInfo) -> Any:
    names = ("site_account_key_file", "username", "password_file")
    if folder is not None and any(info.data.get(name, _UNREAD) is None for name in names):
        raise ValueError("needs site_account_key_file, username and password_file beside it")
    return folder


def _goes_with_certificate(file: Any, info: ValidationInfo) -> Any:
    if (file is None) != (info.data.get("client_certificate_file", _UNREAD) is None):
        raise ValueError("and client_certificate_file go together")
    return file


def _needs_a_username(password_file: Any, info: ValidationInfo) -> Any:
    if password_file is not None and info.data.get("username", _UNREAD) is None:
        raise ValueError("needs a username beside it")
    return password_file


def _named_once(lines: tuple[SerialConfig, ...]) -> tuple[SerialConfig, ...]:
    for url, times in Counter(line.url for line in lines).items():
        if times > 1:
            raise ValueError(f"names {url} twice")
    return lines


def _needed_without_lines(mqtt: MqttConfig | None, info: ValidationInfo) -> MqttConfig | None:
    if mqtt is None and info.data.get("serial", _UNREAD) == ():
        raise PydanticCustomError(SECTION_MISSING, "a site of no lines needs a broker")
    return mqtt


def _most_of_the_nodes(agree: int | None, info: ValidationInfo) -> int:
    """The number itself, or a majority; more than half, so that no two answers can both have it."""
    urls = info.data.get("rpc_urls", _UNREAD)
    if urls is _UNREAD:
        return 1
    majority = len(urls) // 2 + 1
    if agree is None:
        if len(urls) == 1 and not is_loopback(urls[0]):
            raise ValueError("must be 1 to believe a single node elsewhere; three are better")
        return majority
    if not majority <= agree <= len(urls):
        raise ValueError(f"must be from {majority} to {len(urls)} for {len(urls)} nodes")
    return agree


@dataclass(frozen=True, config=_SECTION)
class Site:
    name: SiteName = Field(description="The site's name: it stands in every topic.")


@dataclass(frozen=True, config=_SECTION)
class Identity:
    key_file: File = Field(description="The gateway's secret key, mode 0600.")


@dataclass(frozen=True, config=_SECTION)
class SerialConfig:
    """url: a device's or pty's path, or socket://host:port. baud: also limits the reading speed."""

    url: LineUrl = Field(description="The line.")
    baud: Baud = Field(115200, description="The line's speed; it is read no faster.")


@dataclass(frozen=True, config=_SECTION)
class MqttConfig:
    """broker: where to connect; None runs the site's own broker, which listens on `listen`."""

    broker: Broker = Field(
        "own",
        validate_default=True,
        description="Where to connect. With `own` the gateway runs Mosquitto, which it finds in "
        "`COUNTERSIGN_MOSQUITTO` (a whole command), on the `PATH`, or in `/usr/sbin`.",
    )
    listen: Listen = Field(
        "127.0.0.1:1883", validate_default=True, description="Where the own broker listens."
    )
    site_account_key_file: Annotated[File | None, AfterValidator(_needed_by_own_broker)] = Field(
        None,
        validate_default=True,
        description="The secret from which the devices' passwords at the broker follow, mode 0600; "
        "`countersign gateway init` makes it. Needed with `own`.",
    )
    authority_file: Annotated[File | None, AfterValidator(_of_own_broker)] = Field(
        None,
        description="The site's authority, mode 0600; `countersign gateway init` makes it. With it "
        "devices reach the own broker by TLS alone.",
    )
    tls_names: Annotated[Names, AfterValidator(_needs_authority)] = Field(
        (),
        description="Host names and addresses by which devices reach the own broker "
        "(`broker_host`).",
    )
    username: Annotated[
        Text | None, AfterValidator(_needs_a_broker), AfterValidator(_travels_safely)
    ] = Field(None, description="The gateway's user at another broker.")
    password_file: Annotated[File | None, AfterValidator(_needs_a_username)] = Field(
        None, description="That user's password, mode 0600."
    )
    accounts_folder: Annotated[
        File | None, AfterValidator(_needs_a_broker), AfterValidator(_needs_accounts)
    ] = Field(
        None,
        description="Where to write `passwords` and `access` for a Mosquitto that runs elsewhere, "
        "anew whenever a device comes or is revoked.",
    )
    tls_ca_file: Annotated[
        File | None, AfterValidator(_needs_a_broker), AfterValidator(_needs_tls)
    ] = Field(
        None,
        description="Certificate of the authority of an `mqtts://` broker, in PEM. Without it the "
        "system's authorities count.",
    )
    client_certificate_file: Annotated[
        File | None, AfterValidator(_needs_a_broker), AfterValidator(_needs_tls)
    ] = Field(None, description="The gateway's own certificate at that broker, in PEM.")
    client_key_file: Annotated[File | None, AfterValidator(_goes_with_certificate)] = Field(
        None, validate_default=True, description="That certificate's key, in PEM, mode 0600."
    )


@dataclass(frozen=True, config=_SECTION)
class Ingress:
    serial: Annotated[tuple[SerialConfig, ...], AfterValidator(_named_once)] = Field(
        (), description="A serial line; as many sections as there are lines, or none."
    )
    mqtt: Annotated[MqttConfig | None, AfterValidator(_needed_without_lines)] = Field(
        None,
        validate_default=True,
        description="A broker. May be left out only where there are serial lines.",
    )


@dataclass(frozen=True, config=_SECTION)
class VerificationConfig:
    beacon_interval_s: Seconds = Field(30.0, description="How long a beacon is the current one.")
    challenge_ttl_s: Seconds = Field(60.0, description="How long an enrolment challenge is open.")


@dataclass(frozen=True, config=_SECTION)
class PolicyConfig:
    owner: Address = Field(
        description="The account that answers for a device whose admission names none."
    )
    allow_emulated: Flag = Field(False, description="Whether emulated devices may enrol.")
    device_class: DeviceClass = Field(
        identity.CLASS_STANDARD, description="The class of a device whose admission names none."
    )
    enrolment: Enrolment = Field(
        "listed",
        validate_default=True,
        description="Who becomes a device: those who are admitted; others too if a person"
        " approves; or any, inside a window that `countersign device open` opens for minutes and so"
        " many devices.",
    )
    provisioners: PublicKeys = Field(
        (),
        description="Whose lists of devices are taken (`countersign device admit FILE`).",
    )
    enrolments_per_day: Whole = Field(
        200, description="New admitted devices on one day, in UTC; an alarm at four fifths."
    )
    policy_version: Whole = Field(1, description="The number that every verdict states.")


@dataclass(frozen=True, config=_SECTION)
class RegistryConfig:
    path: File = Field(
        "registry.sqlite3",
        validate_default=True,
        description="The registry; `status.json` is written beside it.",
    )
    keep_days: Positive = Field(
        400,
        description="How long messages are kept, once their receipts went out. What was committed "
        "is kept for ever.",
    )
    max_bytes: Bytes = Field(
        32_000_000_000, description="Above this size the oldest such messages go sooner."
    )
    reserve_bytes: Bytes = Field(
        256_000_000,
        description="What must stay free on the disk. With less, nothing is stored and devices are "
        "answered BUSY.",
    )
    device_bytes_per_day: Bytes = Field(
        20_000_000,
        description="What may be stored of one device. Above it the device is answered BUSY.",
    )


@dataclass(frozen=True, config=_SECTION)
class AnchoringConfig:
    rpc_urls: HttpUrls = Field(
        description="The JSON-RPC of the ledger's nodes; may hold access tokens."
        " Name nodes that different parties run: what most of them say counts."
    )
    agree: Annotated[Positive | None, AfterValidator(_most_of_the_nodes)] = Field(
        None,
        validate_default=True,
        description="How many nodes must say the same. Left out: more than half of them.",
    )
    chain_id: Positive = Field(description="The chain that the node must be of.")
    commitment_log: Address = Field(description="The contract CommitmentLog.")
    device_registry: Address = Field(description="The contract DeviceID.")
    ledger_key_file: File = Field(description="The ledger account's secret key, mode 0600.")
    batch_max: Positive = Field(1000, description="Commitments in a batch at most.")
    batch_age_s: Seconds = Field(5.0, description="How long a commitment waits for a batch.")
    finality: FinalityRule = Field(
        "finalized",
        validate_default=True,
        description="When a block is final: by the node's tag `finalized`, after this many more"
        " blocks, or at once (`instant`: a BFT chain, which never takes a block back).",
    )
    blocks: BlocksRule = Field(
        "steady",
        validate_default=True,
        description="`steady`: the chain makes blocks all the time, and verdicts become `degraded`"
        " when it stops. `on_demand`: it makes them for transactions only, or few without any"
        " (Besu with a long empty-block period, anvil); verdicts become `degraded` when what waits"
        " gets into none.",
    )
    settle_within_s: Seconds = Field(
        3600.0,
        description="A batch that is not final for longer makes verdicts `degraded`. Above the time"
        " that the chain takes to make a block final: Ethereum takes 13 to 20 minutes.",
    )
    tip_gwei: Gwei = Field(
        1, validate_default=True, description="The tip that a transaction offers; 0 without fees."
    )
    fee_cap_gwei: Gwei = Field(
        500,
        validate_default=True,
        description="The most that a transaction offers in all. Above it, it waits.",
    )
    gas_per_day: Gas = Field(
        5_000_000_000,
        description="What transactions may cost on one day, in UTC, by their gas limits; an alarm"
        " at four fifths. With it spent, batches and registrations wait for the next day. The last"
        " quarter is for batches alone. By default a busy site stays below three quarters: a batch"
        " of 210,000 each 5 s and 200 registrations of 500,000. Raise it for more than 200 messages"
        " a second, or raise `batch_max`.",
    )
    transactions: TransactionKind = Field(
        "auto",
        validate_default=True,
        description="`dynamic` (EIP-1559) or `legacy`; `auto` is legacy where blocks have no base"
        " fee.",
    )
    poll_interval_s: Seconds = Field(
        1.0,
        description="How often the nodes are asked while a transaction is under way."
        " An idle site asks twice in `freshness.degraded_after_s`.",
    )

    def __repr__(self) -> str:
        # An RPC address often carries an access token.
        return f"AnchoringConfig(chain_id={self.chain_id})"


@dataclass(frozen=True, config=_SECTION)
class FreshnessSection:
    degraded_after_s: Seconds = Field(
        120.0,
        description="Without progress of the ledger for longer, verdicts say `degraded`"
        " (`anchoring.blocks`). More than twice the time between two blocks.",
    )


@dataclass(frozen=True, config=_SECTION)
class GatewayToml:
    """The whole file. A section with a default may be left out."""

    site: Site = Field(description="Which site this is.")
    gateway: Identity = Field(description="The gateway's identity.")
    ingress: Ingress = Field(description="Where messages come from.")
    policy: PolicyConfig = Field(description="What devices may do here.")
    verification: VerificationConfig = Field(
        {},
        validate_default=True,
        description="How long what devices answer stays fresh. May be left out.",
    )
    registry: RegistryConfig = Field(
        {}, validate_default=True, description="What the gateway must not forget. May be left out."
    )
    freshness: FreshnessSection = Field(
        {}, validate_default=True, description="How old knowledge may be. May be left out."
    )
    anchoring: AnchoringConfig | None = Field(
        None, description="A ledger. May be left out: every verdict is degraded then."
    )


@stdlib_dataclass(frozen=True, slots=True)
class Setting:
    """One setting as declared above. hint: its type with what was annotated to it."""

    name: str
    hint: Any
    info: FieldInfo

    @property
    def section(self) -> type | None:
        """The class of the section, or of each section of a list; None for a plain value."""
        return next((part for part in _parts(self.hint) if is_pydantic_dataclass(part)), None)

    @property
    def meaning(self) -> str:
        """The values that the setting may have, in words."""
        return next(part.text for part in _parts(self.hint) if isinstance(part, Meaning))


def settings_of(section: type) -> list[Setting]:
    """The settings of a section, nested sections included, in order."""
    hints = get_type_hints(section, include_extras=True)
    found: list[Setting] = []
    for one in fields(section):
        if not isinstance(one.default, FieldInfo):
            raise TypeError(f"{section.__name__}.{one.name} has no Field and so no description")
        found.append(Setting(one.name, hints[one.name], one.default))
    return found


def _parts(hint: Any) -> Iterator[Any]:
    """A type, and recursively its arguments and annotations."""
    yield hint
    for part in (*get_args(hint), *getattr(hint, "__metadata__", ())):
        yield from _parts(part)
