"""What a user calls a holder, to the holder: by name, identifier, ISO code or a common alias, in any case."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache

from treasury_watch.transforms.errors import TreasuryWatchError, shorten
from treasury_watch.transforms.wording import plain_name
from treasury_watch.warehouse.declarations import Declarations

CLOSEST = 3
SHORTEST_PART = 3  # letters of a name from which holders with it are suggested


class UnknownHolderName(TreasuryWatchError):
    """No holder is called so; the message has the closest names."""


def named(text: str, declarations: Declarations) -> dict[str, str]:
    """The row of config/holders.csv that `text` names: `Japan`, `china_mainland`, `jpn`, `UK`, `Türkiye`.

    Capitals, accents, punctuation and a leading `the` do not matter. Aliases are those of config/holder_aliases.csv.
    Raises UnknownHolderName, or ConfigurationError for an alias of no holder.
    """
    if not text.strip():
        raise UnknownHolderName("no holder is named: the name is empty; give one, or leave it out for all")
    known, shown = _names(declarations)
    found = known.get(_plain(text))
    if found is not None:
        return found
    holders = [f"'{name}'" if "," in name else name for name in _closest(_plain(text), known)]
    hint = (
        f"did you mean {' or '.join(holders)}?" if holders else '`treasury-watch query "FROM holders"` lists them all'
    )
    raise UnknownHolderName(f"no holder {shorten(repr(text))} among the {shown} of config/holders.csv; {hint}")


def _closest(plain: str, known: Mapping[str, Mapping[str, str]]) -> list[str]:
    """The holders whose names have the text in them, the shortest first, and after them those spelt most like it."""
    within = sorted((name for name in known if len(plain) >= SHORTEST_PART and plain in name), key=len)
    spelt = difflib.get_close_matches(plain, known, n=2 * CLOSEST, cutoff=0.6)
    return list(dict.fromkeys(known[name]["holder"] for name in [*within, *spelt]))[:CLOSEST]


@lru_cache(maxsize=2)
def _names(declarations: Declarations) -> tuple[dict[str, dict[str, str]], int]:
    """Every name, made plain, with its holder, and the number of holders. A holder's own names go before aliases."""
    holders = {row["holder_id"]: row for row in declarations.holders}
    known: dict[str, dict[str, str]] = {}
    for column in ("holder_id", "holder", "iso3"):
        for row in holders.values():
            if row[column]:
                known.setdefault(_plain(row[column]), row)
    for row in holders.values():
        known.setdefault(_plain(plain_name(row["holder"])), row)
    for entry in declarations.rows("holder_aliases.csv"):
        known.setdefault(_plain(entry["alias"]), holders[entry["holder_id"]])
    return known, len(holders)


def _plain(text: str) -> str:
    """Letters and digits without accents, in small letters, words by one space."""
    letters = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    words = re.sub(r"[^a-z0-9]+", " ", letters.casefold().replace(".", "").replace("&", " and ").replace("'", ""))
    return words.strip().removeprefix("the ")
