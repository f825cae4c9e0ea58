"""What is shown to others: the files that say what the data page publishes, and which questions the cookbook asks."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from treasury_watch.warehouse.config_files.models.sections import Identifier
from treasury_watch.warehouse.config_files.models.values import Entry, Text

Names = Annotated[tuple[Identifier, ...], Field(strict=False)]
Sql = Annotated[str, Field(min_length=1, description="SQL, which may have several lines")]


class PublisherEntry(Entry):
    """[publishers.*]: `named` are the beginnings of publishers' names in sources.toml."""

    title: Text
    named: Annotated[tuple[Text, ...], Field(strict=False)]
    licence: Text
    licence_url: Annotated[str, Field(pattern=r"^(https://\S+)?$", description="an address of the web, or nothing")]
    terms: Text


class ExampleEntry(Entry):
    """[[examples]]: a query that the data page offers."""

    title: Text
    sql: Sql


class PublishedDataFile(Entry):
    """published_data.toml."""

    internal: Names
    large_workbooks: Names
    publishers: Annotated[dict[Identifier, PublisherEntry], Field(min_length=1)]
    tables: Annotated[dict[Identifier, Names], Field(min_length=1)]
    examples: tuple[ExampleEntry, ...] = Field(strict=False)


class QuestionEntry(Entry):
    """[[questions]]: `answer` is what `query` prints on the embedded sample."""

    id: Identifier
    question: Text
    care: Text
    sql: Sql
    answer: str = ""


class CookbookFile(Entry):
    """cookbook.toml."""

    questions: tuple[QuestionEntry, ...] = Field(strict=False)
