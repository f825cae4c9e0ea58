"""Reads the settings from where they can be set, and checks all of them.

Later places win: settings.toml beside the other declarations, settings.toml in the data folder, the environment. Routes
come from routing.toml in the data folder where it has any, else from the one beside the declarations.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from treasury_watch.flows.settings import problems
from treasury_watch.flows.settings.sections import (
    PASSWORD_VARIABLE,
    REVISION,
    AlertSettings,
    HttpPolicy,
    LogSettings,
    MailSettings,
    PrefectSettings,
    QuerySettings,
    ReleaseArchiveSettings,
    RetentionSettings,
    RoutingFile,
    Schedule,
    SiteSettings,
    StorageSettings,
)
from treasury_watch.warehouse.config_files.documents import text_of, toml_of
from treasury_watch.warehouse.config_files.positions import Positions
from treasury_watch.warehouse.config_files.problems import one_line
from treasury_watch.warehouse.declarations import Declarations

PREFIX = "TREASURY_WATCH_"
_warned: set[str] = set()
OUTSIDE_SECTIONS = ("HOME", "CONFIG")
CHANNEL_PREFIX = "CHANNEL_"

Layers = Sequence[tuple[Path | None, dict[str, Any]]]  # what was set where (None: in the environment); the first wins


class Sections(BaseSettings):
    """Every section of settings.toml."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter="_", env_nested_max_split=1, extra="forbid", strict=True, frozen=True,
        hide_input_in_errors=True, defer_build=True,
    )  # fmt: skip

    storage: StorageSettings = Field(default_factory=StorageSettings)
    http: HttpPolicy = Field(default_factory=HttpPolicy)
    releases: ReleaseArchiveSettings = Field(default_factory=ReleaseArchiveSettings)
    query: QuerySettings = Field(default_factory=QuerySettings)
    mail: MailSettings = Field(default_factory=MailSettings)
    alerts: AlertSettings = Field(default_factory=AlertSettings)
    schedule: Schedule = Field(default_factory=Schedule)
    prefect: PrefectSettings = Field(default_factory=PrefectSettings)
    site: SiteSettings = Field(default_factory=SiteSettings)
    retention: RetentionSettings = Field(default_factory=RetentionSettings)
    logging: LogSettings = Field(default_factory=LogSettings)


VARIABLES = [
    f"{PREFIX}{section}_{key}".upper()
    for section, field in Sections.model_fields.items()
    for key in field.annotation.model_fields  # type: ignore[union-attr]
]


class Environment(EnvSettingsSource):
    """The known variables; a list is separated by commas."""

    def __init__(self, settings_cls: type[BaseSettings]):
        super().__init__(settings_cls)
        self.env_vars = {name: text for name, text in self.env_vars.items() if name.upper() in VARIABLES}

    def decode_complex_value(self, field_name: str, field: FieldInfo, value: Any) -> Any:
        """The parts of a list."""
        return [part.strip() for part in value.split(",") if part.strip()]


def read(declarations: Declarations, home: Path) -> tuple[Sections, RoutingFile]:
    """The settings and routes in force, checked together. Raises ConfigurationError: the first problem in one line, and
    how many there are.
    """
    sections, routing, found = read_all(declarations, home)
    if found or sections is None:
        raise one_line(found)
    return sections, routing


def read_all(declarations: Declarations, home: Path) -> tuple[Sections | None, RoutingFile, list[str]]:
    """The same, with everything that is wrong, a line each. Raises ConfigurationError where a file is no TOML."""
    found: list[str] = []
    sections = _sections(declarations, home, found)
    routing = _routing(declarations, home, found)
    found += _variables(declarations, routing)
    return sections, routing, list(dict.fromkeys(found))  # two wrong entries of one list are one problem


def _sections(declarations: Declarations, home: Path, found: list[str]) -> Sections | None:
    """The sections, or None with what is wrong with them added to `found`."""
    sources: list[tuple[Path | None, PydanticBaseSettingsSource]] = []

    class InForce(Sections):
        @classmethod
        def settings_customise_sources(
            cls, settings_cls: type[BaseSettings], *_: PydanticBaseSettingsSource, **__: PydanticBaseSettingsSource
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            """Their order: the first wins."""
            sources[:] = [(None, Environment(settings_cls))]
            for path in (home / "settings.toml", declarations.folder / "settings.toml"):
                sources.append((path, _toml_source(settings_cls, path)))
            return tuple(source for _, source in sources)

    try:
        read = InForce()
    except ValidationError as error:
        layers = [(path, source()) for path, source in sources]
        found += problems.lines(error, Sections, partial(_place, layers))
        read = None
    for path, source in sources[1:]:
        section = source().get("mail")
        if isinstance(section, dict) and "password" in section:
            found.append(f"{path}, [mail] password: the password comes from the variable {PASSWORD_VARIABLE} alone")
    return read


class TomlSource(TomlConfigSettingsSource):
    """A file as the other declarations are read: what is wrong is told with line and column."""

    def _read_file(self, file_path: Any) -> dict[str, Any]:
        return toml_of(file_path, text_of(file_path))


def _toml_source(settings_cls: type[BaseSettings], path: Path) -> TomlConfigSettingsSource:
    return TomlSource(settings_cls, path if _may_be_read(path) else None)


def _may_be_read(path: Path) -> bool:
    """False, with a warning, where the file is another user's and not for this one: who may only read what is published
    needs no settings, and whoever writes cannot go on without the rights to.
    """
    try:
        if not path.exists() or os.access(path, os.R_OK):
            return True
    except PermissionError:
        return False  # the whole home is closed, which is said by what needs it
    words = f"{path} may not be read by this user; the settings that come with the program hold"
    if words not in _warned:
        _warned.add(words)
        logging.getLogger(__name__).warning(words)
    return False


def _place(layers: Layers, location: tuple[str, ...]) -> tuple[str, Any]:
    """Where the value in force was found (a file with line and column, or a variable), and the value of section and key."""
    section, key = location[0], location[1] if len(location) > 1 else None
    for path, document in layers:
        if section not in document:
            continue
        content = document[section]
        if key is None or not isinstance(content, dict):
            return _at(path, (section,)) if path else PREFIX + section.upper(), content
        if key in content:
            return _at(path, location) if path else f"{PREFIX}{section}_{key}".upper(), content[key]
    return "settings.toml", None


def _at(path: Path, location: tuple[str, ...]) -> str:
    stands = Positions(text_of(path)).of(tuple(int(part) if part.isdecimal() else part for part in location))
    return f"{path}, line {stands[0]}, column {stands[1]}" if stands else str(path)


def _routing(declarations: Declarations, home: Path, found: list[str]) -> RoutingFile:
    """The routes, or none with what is wrong with them added to `found`."""
    layers: Layers = [(path, _document(path)) for path in (home / "routing.toml", declarations.folder / "routing.toml")]
    (_, own), (_, packaged) = layers
    merged = {**packaged, **own}  # routes are replaced as a whole
    if all(isinstance(document.get("operator", {}), dict) for document in (own, packaged)):
        merged["operator"] = {**packaged.get("operator", {}), **own.get("operator", {})}
    context = Named(declarations)
    try:
        return RoutingFile.model_validate(merged, context=context)
    except ValidationError as error:
        found += problems.lines(error, RoutingFile, partial(_place, layers))
        return RoutingFile()


def _document(path: Path) -> dict[str, Any]:
    return toml_of(path, text_of(path)) if _may_be_read(path) and path.exists() else {}


class Named:
    """What routes may name, read where a route names any: most installations have none, and every command starts here."""

    def __init__(self, declarations: Declarations):
        self._declarations = declarations

    def holder_id(self, name: str) -> str:
        """The holder that a route calls so: as a user may call it in a command. Raises UnknownHolderName."""
        from treasury_watch.warehouse.holder_names import named

        return named(name, self._declarations)["holder_id"]

    @cached_property
    def rules(self) -> list[str]:
        """The names of rules, and `revision`."""
        rules = self._declarations.rules
        return [*dict.fromkeys([*rules["rules"], *rules["episodes"], *rules.get("early_signals", {})]), REVISION]


def _variables(declarations: Declarations, routing: RoutingFile) -> list[str]:
    """What is wrong with the names of the environment's variables."""
    bases = [f"BASE_{name.upper()}" for name in declarations.bases]
    channels = [entry.channel for entry in (routing.operator, *routing.routes.values()) if entry.channel]
    known = [*VARIABLES, *(PREFIX + name for name in (*OUTSIDE_SECTIONS, *bases)), *channels]
    return [
        problems.unknown_variable(name, known, PREFIX)
        for name in sorted(os.environ)
        if name.startswith(PREFIX) and name not in known and not name.startswith(PREFIX + CHANNEL_PREFIX)
    ]
