"""What can be set, with types and defaults: the sections of settings.toml, and the routes of routing.toml.

Here each setting is declared. config/settings.toml shows the same defaults to a reader, and a test holds them equal. A
field's description completes the message "expected ..., found ...".
"""

from __future__ import annotations

import re
from email import policy
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from treasury_watch.transforms.errors import ConfigurationError, TreasuryWatchError, shorten
from treasury_watch.transforms.findings.finding import Kind
from treasury_watch.warehouse.config_files.models.values import cron_fields
from treasury_watch.warehouse.config_files.models.values import timezone as timezone_name

PASSWORD_VARIABLE = "TREASURY_WATCH_MAIL_PASSWORD"
REVISION = Kind.REVISION.value
VARIABLE = re.compile(r"[A-Z][A-Z0-9_]*")


def address(text: Any) -> str | None:
    """The plain address in `desk@example.org` or `Desk <desk@example.org>`; None where it is not one address."""
    if not isinstance(text, str) or not text.isprintable():
        return None
    header: Any = policy.SMTP.header_factory("to", text)
    plain = [a.addr_spec for a in header.addresses if a.username and a.domain]
    return plain[0] if len(plain) == 1 == len(header.addresses) and not header.defects else None


def _must(fits: bool) -> None:
    """Raise ValueError; the message is made from the field's description."""
    if not fits:
        raise ValueError


def _printable(text: str) -> str:
    _must(not text or text.isprintable())
    return text


def _filled(text: str) -> str:
    _must(bool(text.strip()) and text.isprintable())
    return text


def _address(text: str) -> str:
    _must(address(text) is not None)
    return text


Severity = Literal[
    "notice", "warning", "critical"
]  # SEVERITIES of transforms, which would import pandas: a test compares
Line = Annotated[str, AfterValidator(_printable), Field(description="one line of text")]
FilledLine = Annotated[str, AfterValidator(_filled), Field(description="one line of text")]
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False, description="a number of seconds above 0")]
SecondsOrNone = Annotated[float, Field(ge=0, allow_inf_nan=False, description="a number of seconds, 0 or more")]
Minutes = Annotated[float, Field(ge=0, allow_inf_nan=False, description="minutes, 0 or more")]
Days = Annotated[float, Field(gt=0, allow_inf_nan=False, description="days, above 0")]
Count = Annotated[int, Field(gt=0, description="a whole number above 0")]
CountOrNone = Annotated[int, Field(ge=0, description="a whole number, 0 or more")]
Addresses = Annotated[
    tuple[Annotated[str, AfterValidator(_address)], ...],
    Field(strict=False, description="a list of e-mail addresses"),  # not strict: in TOML it is a list
]
Names = Annotated[tuple[str, ...], Field(strict=False, description="a list of names")]
Switch = Annotated[bool, Field(description="true or false")]


class Section(BaseModel):
    """Keys with their types; any other key is refused."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True, defer_build=True)


class StorageSettings(Section):
    """Section [storage]."""

    storage_version: FilledLine = "v1.0.0"
    store: Line = ""
    keep_publications: Count = 3
    share: Annotated[Literal["nobody", "group", "everyone"], Field(description="nobody, group or everyone")] = (
        "nobody"  # SHARES of permissions
    )


class HttpPolicy(Section):
    """How files are fetched: section [http]. Times are in seconds."""

    user_agent: FilledLine = "treasury-watch/0.1 (public statistics; monthly)"
    connect_timeout_seconds: Seconds = 10
    read_timeout_seconds: Seconds = 60
    total_timeout_seconds: Seconds = 300
    retries: CountOrNone = 4
    backoff_seconds: SecondsOrNone = 1.0
    backoff_jitter_seconds: SecondsOrNone = 1.0
    max_retry_after_seconds: SecondsOrNone = 120
    max_redirects: CountOrNone = 5
    max_bytes: Count = 67108864


class ReleaseArchiveSettings(Section):
    """Section [releases]: how the Treasury's archive of releases is fetched."""

    pause_seconds: SecondsOrNone = 0.5
    max_bytes: Count = 33554432
    asked_again: CountOrNone = 3


class QuerySettings(Section):
    """Section [query]: what one query may take."""

    memory: Annotated[
        str, Field(pattern=r"^\d+(\.\d+)?(%|MB|GB)$", description="an amount such as 2GB, or a share such as 25%")
    ] = "25%"
    seconds: Seconds = 60
    rows_in_table: Count = 1000


class MailSettings(Section):
    """Section [mail]. The password comes from the environment alone and is never shown."""

    host: Line = ""
    port: Annotated[int, Field(ge=1, le=65535, description="a port, 1 to 65535")] = 587
    security: Literal["starttls", "tls", "none"] = "starttls"
    username: Line = ""
    sender: Annotated[str, AfterValidator(_address), Field(description="one e-mail address")] = (
        "treasury-watch@localhost"
    )
    recipients: Annotated[
        tuple[Annotated[str, AfterValidator(_address)], ...],
        Field(strict=False, min_length=1, description="a list of e-mail addresses, one at least"),
    ] = ("desk@localhost",)
    timeout_seconds: Seconds = 30
    message_seconds: Seconds = 120
    sending_seconds: Seconds = 600
    ca_file: Line = ""
    internal_channel_hosts: Annotated[
        tuple[FilledLine, ...],
        Field(strict=False, description="a list of host names, addresses or networks such as 10.1.0.0/16"),
    ] = ()
    password: SecretStr | None = None

    @model_validator(mode="after")
    def _login_is_secured(self) -> Self:
        if self.username and self.security == "none":
            words = "a login with security 'none' would send the password in the clear; use 'starttls' or 'tls'"
            raise PydanticCustomError("rule", words, {"key": "username"})
        return self

    def check_login(self) -> None:
        """Raise ConfigurationError where a username has no password.

        Asked by what sends: somebody who only reads tables need not know the password.
        """
        if self.username and not self.secret:
            raise ConfigurationError(
                f"[mail]: username is set but {PASSWORD_VARIABLE} is not; set it in the environment"
            )

    @property
    def secret(self) -> str:
        """The password itself, empty where there is none."""
        return self.password.get_secret_value() if self.password else ""

    @property
    def server(self) -> str:
        """The server as messages name it."""
        return f"mail server {self.host}:{self.port}"


class AlertSettings(Section):
    """Section [alerts]."""

    minimum_severity: Severity = "warning"
    recent_months: CountOrNone = 3
    retry_after_minutes: Minutes = 15
    retry_limit_minutes: Minutes = 1440
    second_copy: Switch = True


class Schedule(Section):
    """Section [schedule]."""

    give_up_after_hours: Annotated[float, Field(ge=0, allow_inf_nan=False, description="hours, 0 or more")] = 6.0
    daily_cron: Annotated[str, AfterValidator(cron_fields), Field(description="five cron fields")] = "30 17 * * 1-5"
    timezone: Annotated[
        str, AfterValidator(timezone_name), Field(description="a time zone such as America/New_York")
    ] = "America/New_York"


class PrefectSettings(Section):
    """Section [prefect]."""

    startup_timeout_seconds: Seconds = 120


def _web_address(text: str) -> str:
    """Empty, or an address of the web without anything after its path. Raises ValueError for others."""
    _must(not text or re.fullmatch(r"https?://[^\s/?#@]+(/[^\s?#]*)?", text) is not None)
    return text


class SiteSettings(Section):
    """Section [site]."""

    out: Annotated[Line, Field(description="a folder, or nothing for no site")] = ""
    address: Annotated[
        str,
        AfterValidator(_web_address),
        Field(description="an address such as https://example.org/treasuries, or nothing"),
    ] = ""
    duckdb_wasm: Annotated[Line, Field(description="a folder that npm has filled, or nothing")] = ""


class RetentionSettings(Section):
    """Section [retention]: how long records of what was done are kept. Figures and archived files are kept for good."""

    prefect_days: Days = 30
    runs_days: Days = 400
    messages_days: Days = 400


class LogSettings(Section):
    """Section [logging]."""

    format: Literal["off", "text", "json"] = "off"
    level: Literal["debug", "info", "warning", "error"] = "info"
    file: Annotated[Line, Field(description="a path, or nothing for standard error")] = ""


class Receiver(Section):
    """Who gets messages: mail addresses in `to`, or in `channel` the NAME of a variable that holds a channel's address."""

    to: Addresses = ()
    channel: str = ""

    @field_validator("channel")
    @classmethod
    def _names_a_variable(cls, name: str) -> str:
        if name and not VARIABLE.fullmatch(name):
            # not repeated here: it may be the address itself, which is a secret
            raise PydanticCustomError(
                "rule",
                "expected the NAME of an environment variable that holds the address, such as "
                "TREASURY_WATCH_CHANNEL_DESK; an address itself is a secret and does not belong in this file",
            )
        return name

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if self.to and self.channel:
            raise PydanticCustomError("rule", "both `to` and `channel`; declare a route for each", {"key": "channel"})
        return self


class RouteEntry(Receiver):
    """Section [routes.NAME] of routing.toml. Read with the context `holder_id` (of what a user calls it) and `rules` (names)."""

    minimum_severity: Severity | None = None
    holders: Names = ()
    rules: Names = ()
    delivery: Literal["single", "digest", "both"] = "single"
    digest_when_empty: Switch = False

    @field_validator("holders")
    @classmethod
    def _known_holders(cls, names: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        """The holders' ids."""
        try:
            return tuple(info.context.holder_id(name) for name in names) if info.context else names
        except TreasuryWatchError as unknown:
            raise PydanticCustomError("rule", "{words}", {"words": str(unknown)}) from None

    @field_validator("rules")
    @classmethod
    def _known_rules(cls, names: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        known = info.context.rules if names and info.context else ()
        for name in names:
            if name not in known:
                raise PydanticCustomError(
                    "rule",
                    "expected names out of {known}, found {name}",
                    {"known": ", ".join(known), "name": shorten(repr(name))},
                )
        return names

    @model_validator(mode="after")
    def _somebody(self) -> Self:
        if not self.to and not self.channel:
            raise PydanticCustomError("rule", "nobody is named; give `to` (addresses) or `channel`")
        return self


class OperatorEntry(Receiver):
    """Section [operator] of routing.toml."""

    late_after_days: CountOrNone = 2


class RoutingFile(Section):
    """routing.toml."""

    routes: dict[str, RouteEntry] = {}
    operator: OperatorEntry = Field(default_factory=OperatorEntry)
