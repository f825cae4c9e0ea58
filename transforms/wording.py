"""Months and holders as they stand in sentences."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from treasury_watch.transforms.months import months_between

SENTENCE_NAMES = {
    "Foreign Official": "Foreign official institutions",
    "Foreign Non-Official": "Foreign holders other than officials",
    "Grand Total": "All foreign holders",
    "All Other": "All other places",
}
# What each verdict says of a fall, in a sentence.
CAUSES_IN_WORDS = {
    "sold": "mostly sales",
    "repriced": "mostly price",
    "moved": "mostly custody or reporting",
    "mixed": "several causes",
    "unexplained": "not explained",
}
CAUSES = {"net_purchases_usd_mn": "sales", "valuation_usd_mn": "prices", "other_usd_mn": "other changes"}
NAMED_PART = 0.15  # of what pulled holdings down: a cause of a mixed fall below it is not named
WITH_ARTICLE = re.compile(
    r"^(United|Euro Area$|European Union$|Netherlands$|Bahamas$|Philippines$)|(Islands|Republic)$"
)


def causes_in_words(row: Mapping[Any, Any]) -> str:
    """What the verdict says of the fall of a finding, in a sentence; of mixed causes which these are, the largest first."""
    sizes = {words: _lost(row.get(column)) for column, words in CAUSES.items()}
    known = [words for words, size in sizes.items() if size > NAMED_PART * sum(sizes.values())]
    if row["verdict"] != "mixed" or not known:
        return CAUSES_IN_WORDS[row["verdict"]]
    if known == ["sales"]:  # what keeps them from being most of it came in
        return "sales, in part offset by other changes"
    return joined(sorted(known, key=lambda words: -sizes[words]))


def _lost(usd_mn: float | None) -> float:
    """What an amount took from the position, 0 where it added to it or is not known."""
    return -usd_mn if usd_mn is not None and usd_mn < 0 else 0.0


def stated(text: Any) -> str:
    """A text cell of a table; empty where it is NULL, which pandas may hold as None or NaN."""
    return text if isinstance(text, str) else ""


def month_name(month: date) -> str:
    """`April 2024`."""
    return f"{month:%B %Y}"


def months_named(first: date, last: date) -> str:
    """`April 2024`, `April to June 2024`, `November 2025 to January 2026`."""
    if first == last:
        return month_name(first)
    return f"{first:%B}{'' if first.year == last.year else f' {first.year}'} to {month_name(last)}"


def months_covered(first: date, last: date) -> str:
    """All of these months, in a sentence on what changed in them: `in April 2024`, `in April and May 2024`, `in the 3 months from
    April to June 2024`. `From April to June` alone would say from the end of April.
    """
    count = months_between(first, last) + 1
    if count > 2:
        return f"in the {count} months from {months_named(first, last)}"
    return f"in {months_named(first, last).replace(' to ', ' and ')}"


def plain_name(holder: str) -> str:
    """The holder's label in the order of speech, without an article: `Mainland China`, `United Kingdom`."""
    name, _, rest = holder.partition(", ")
    return SENTENCE_NAMES.get(holder) or (f"{rest} {name}" if rest else holder)


def spoken(holder: str) -> str:
    """The holder as it stands in a sentence: `Mainland China`, `the United Kingdom`."""
    told = plain_name(holder)
    return f"the {told}" if WITH_ARTICLE.search(told) else told


def sentence(text: str) -> str:
    """The text with a capital first letter."""
    return text[:1].upper() + text[1:]


def possessive(holder: str) -> str:
    """`Japan's`, `British Virgin Islands'`."""
    name = spoken(holder)
    return f"{name}'" if name.endswith("s") else f"{name}'s"


def counted(count: int, singular: str, plural: str = "") -> str:
    """A number with its noun: "1 finding", "1,204 findings"; `plural` where it takes more than an s."""
    return f"{count:,} {singular if count == 1 else plural or singular + 's'}"


def is_plural(holder: str) -> bool:
    """Whether the holder is spoken of as several: foreign official institutions."""
    return holder in SENTENCE_NAMES


def joined(parts: Iterable[str]) -> str:
    """`one`, `one and two`, `one, two and three`."""
    *before, last = parts
    return f"{', '.join(before)} and {last}" if before else last


def one_line(text: Any) -> str:
    """The text on one line, without control, format and direction characters."""
    return " ".join("".join(c if c.isprintable() else " " for c in str(text)).split())
