"""What config/published_data.toml declares: which tables are published, whose figures they are, example queries."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from treasury_watch.transforms.errors import ConfigurationError
from treasury_watch.warehouse.declarations import Declarations, Table

FILE = "published_data.toml"


@dataclass(frozen=True)
class Publisher:
    """Whose figures: a title, the name of the terms, where they stand (or ""), and what they ask in a sentence."""

    id: str
    title: str
    named: tuple[str, ...]
    licence: str
    licence_url: str
    terms: str


@dataclass(frozen=True)
class Example:
    """A query that the page offers, with what it answers."""

    title: str
    sql: str


@dataclass(frozen=True)
class PublishedData:
    """The declarations of the data page, checked."""

    tables: dict[str, Table]
    publishers: dict[str, tuple[Publisher, ...]]  # by table
    examples: tuple[Example, ...]
    every_publisher: tuple[Publisher, ...]
    large_workbooks: frozenset[str]  # tables that have a workbook though they have more cells than others may

    def of(self, names: Iterable[str]) -> list[Publisher]:
        """The publishers of these tables, each once, in the order of the file."""
        wanted = {publisher.id for name in names for publisher in self.publishers[name]}
        return [publisher for publisher in self.every_publisher if publisher.id in wanted]


def published_data(declarations: Declarations) -> PublishedData:
    """The declarations. Raises ConfigurationError where a table is neither published nor internal, or a name is not known."""
    content = declarations.toml(FILE)
    publishers = {
        name: Publisher(id=name, **{**entry, "named": tuple(entry["named"])})
        for name, entry in content["publishers"].items()
    }
    internal, made_of = set(content["internal"]), content["tables"]
    if wrong := sorted((set(declarations.tables) ^ (internal | set(made_of))) | (internal & set(made_of))):
        raise ConfigurationError(
            f"{FILE}: expected each table of tables.toml once, under [tables] or as internal, found otherwise for "
            f"{', '.join(wrong)}; name it in one of the two"
        )
    if unknown := sorted({name for names in made_of.values() for name in names} - set(publishers)):
        raise ConfigurationError(
            f"{FILE}: [tables] names {', '.join(unknown)}, expected one of {', '.join(publishers)}; declare it in [publishers]"
        )
    if unknown := sorted(set(content["large_workbooks"]) - set(made_of)):
        raise ConfigurationError(
            f"{FILE}: large_workbooks names {', '.join(unknown)}, expected tables under [tables]; take it out or correct it"
        )
    return PublishedData(
        tables={name: declarations.tables[name] for name in made_of},
        publishers={name: tuple(publishers[one] for one in names) for name, names in made_of.items()},
        examples=tuple(Example(entry["title"], entry["sql"].strip()) for entry in content["examples"]),
        every_publisher=tuple(publishers.values()),
        large_workbooks=frozenset(content["large_workbooks"]),
    )
