"""The templates of the page and the site, with the filters that write figures, months and verdicts alike everywhere."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from contextlib import suppress
from functools import cache, partial
from pathlib import Path

import jinja2
import platformdirs
from jinja2.bccache import Bucket

from treasury_watch.transforms.amounts import MINUS, billions, billions_cell, percent, rounded
from treasury_watch.transforms.findings.explain.sentences import everyone
from treasury_watch.transforms.findings.rules.verdicts import VERDICTS
from treasury_watch.transforms.wording import month_name, plain_name, sentence, spoken
from treasury_watch.warehouse.home.folders import APPLICATION

TEMPLATES = Path(__file__).parent / "templates"
# Net purchases from which a cell of the heat map is tinted, in USD millions.
HEAT_STEPS = (2_000, 10_000, 25_000)


class CompiledTemplates(jinja2.FileSystemBytecodeCache):
    """Templates as compiled before, which takes half a second. One that cannot be read or kept is compiled again."""

    def load_bytecode(self, bucket: Bucket) -> None:
        """Take what was kept."""
        with suppress(OSError):
            super().load_bytecode(bucket)

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep what was compiled."""
        with suppress(OSError):
            super().dump_bytecode(bucket)


def compiled_templates() -> CompiledTemplates | None:
    """Those in the user's own cache directory; None where there is none that is closed to others: what lies in it is run."""
    folder = platformdirs.user_cache_path(APPLICATION, appauthor=False) / "templates"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        about = folder.lstat()
    except OSError:
        return None
    ours = stat.S_ISDIR(about.st_mode) and about.st_uid == os.getuid() and not about.st_mode & 0o077
    return CompiledTemplates(str(folder)) if ours else None


def bare_environment() -> jinja2.Environment:
    """All templates without a filter of ours: text is escaped, an unknown name is an error."""
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        auto_reload=False,  # a site asks five thousand times whether a template has changed
        trim_blocks=True,
        lstrip_blocks=True,
        bytecode_cache=compiled_templates(),
        optimized=False,  # what is compiled holds no result of a filter, whose code may change
    )


@cache
def environment() -> jinja2.Environment:
    """The templates' environment of the page."""
    made = bare_environment()
    made.filters |= {
        "bn": partial(billions_cell, minus=MINUS),
        "pct": partial(percent, minus=MINUS),
        "decimal": lambda value: str(rounded(value, 1)).replace("-", MINUS),
        "exact": exact,
        "heat": heat_class,
        "day": lambda day: f"{day.day} {day:%B %Y}",
        "month": month_name,
        "short_month": lambda month: f"{month:%b %Y}",
        "thousands": lambda number: f"{number:,}",
        "strftime": lambda pattern, moment: f"{moment:{pattern}}",
        "words": lambda name: str(name).replace("_", " "),
        "badge": badge,
        "everyone": everyone,
        "dollars": billions,
        "money": lambda usd_mn, signed=True: billions(usd_mn, signed=signed).replace("-", MINUS),
        "plain_name": plain_name,
        "spoken": spoken,
        "sentence": sentence,
    }
    return made


def exact(value: float | None) -> str:
    """The figure as the database holds it, for `data-` attributes; empty where unknown."""
    if value is None:
        return ""
    return str(int(value)) if value == int(value) else repr(value)


def heat_class(usd_mn: float | None, steps: Sequence[float] = HEAT_STEPS) -> str:
    """Style of a heat map cell: bought1 to bought3, sold1 to sold3, or none."""
    if usd_mn is None:
        return "unknown"
    level = sum(abs(usd_mn) >= step for step in steps)
    return f"{'bought' if usd_mn > 0 else 'sold'}{level}" if level else "flat"


def badge(verdict: str) -> str:
    """Style of a verdict's badge; a verdict this version does not know gets the plain one."""
    return verdict if verdict in VERDICTS else "unexplained"
