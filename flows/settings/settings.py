"""Settings: config/settings.toml, overridden by TREASURY_WATCH_<SECTION>_<KEY>. Secrets come from the environment only."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from treasury_watch.transforms.errors import ConfigurationError
from treasury_watch.warehouse.declarations import Declarations
from treasury_watch.warehouse.home.folders import Home

if TYPE_CHECKING:
    from treasury_watch.warehouse.installation import Warehouse
    from treasury_watch.warehouse.store.exchange import Store

PREFIX = "TREASURY_WATCH_"
PASSWORD = PREFIX + "MAIL_PASSWORD"


class Settings:
    """The settings in force. `section(name)` gives one table of them, as plain values."""

    def __init__(self, declarations: Declarations | None = None):
        self.declarations = declarations or Declarations()
        self._document = self.declarations.toml("settings.toml")

    def section(self, name: str) -> dict[str, Any]:
        """One section with the environment's overrides, each of the type it has in the file. Raises ConfigurationError."""
        if name not in self._document:
            raise ConfigurationError(f"settings.toml: no section [{name}]; known: {', '.join(self._document)}")
        return {key: self._value(name, key, default) for key, default in self._document[name].items()}

    @property
    def mail_password(self) -> str | None:
        """The mail server's password, from the environment."""
        return os.environ.get(PASSWORD)

    def home(self) -> Home:
        """The data folder that the settings name."""
        return Home.from_environment(self.section("storage")["home"])

    def warehouse(self) -> Warehouse:
        """The installation that the settings name."""
        from treasury_watch.warehouse.installation import Warehouse  # pandas and more: not for commands that only query

        return Warehouse(
            self.home(),
            self.declarations,
            storage_version=self.section("storage")["storage_version"],
        )

    def store(self, warehouse: Warehouse) -> Store | None:
        """The store that the settings name, or None. Raises ConfigurationError."""
        section = self.section("storage")
        if not section["store"]:
            return None
        from treasury_watch.warehouse.store.exchange import Store

        return Store(section["store"], warehouse, section["keep_publications"])

    @staticmethod
    def _value(section: str, key: str, default: Any) -> Any:
        name = f"{PREFIX}{section}_{key}".upper()
        text = os.environ.get(name)
        if text is None:
            return default
        if isinstance(default, str):
            return text
        if isinstance(default, list):
            return [part.strip() for part in text.split(",") if part.strip()]
        try:
            value = json.loads(text)
        except ValueError:
            value = text
        wanted = (int, float) if isinstance(default, float) else type(default)
        if not isinstance(value, wanted) or isinstance(value, bool) != isinstance(default, bool):
            raise ConfigurationError(f"{name}: expected a value like {default!r}, found {text!r}")
        return value
