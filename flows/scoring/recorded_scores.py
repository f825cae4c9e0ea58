"""Records the scores of a published database: `python -m treasury_watch.flows.scoring.recorded_scores`.

Writes the recorded scores of config/backtest.toml, and the tables of docs/methodology.md, between their marks. Run it on the
complete official files, and only when a change of the rules is meant to move the scores.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from pathlib import Path

from treasury_watch.flows.scoring import backtest
from treasury_watch.flows.settings.settings import Settings
from treasury_watch.transforms.backtest.labels import SETS
from treasury_watch.transforms.backtest.score_tables import label_rows, markdown, survival, year_rows
from treasury_watch.transforms.errors import ConfigurationError
from treasury_watch.warehouse.declarations import PROJECT
from treasury_watch.warehouse.home.published_database import open_published

PAGE = PROJECT / "docs" / "methodology.md"
TOML_MARKS = ("# recorded: begin", "# recorded: end")
PAGE_MARKS = ("<!-- scores: begin -->", "<!-- scores: end -->")


def recorded(result: backtest.Backtest) -> Iterator[str]:
    """The sections [recorded...] of config/backtest.toml; rounded down, as they are a floor."""
    shares = {name: {m: s.value for m, s in result.scores[name].items()} for name in SETS}
    measures = ("recall", "verdict_accuracy")
    episodes = {name: {m: result.episode_scores[name][m] for m in measures} for name in SETS}
    for section, values in (("labels", shares), ("known_episodes", episodes)):
        for name, scores in values.items():
            yield f"[recorded.{section}.{name}]"
            yield from (f"{m} = {math.floor(1000 * v) / 1000}" for m, v in scores.items() if not math.isnan(v))
            yield ""


def page(result: backtest.Backtest) -> Iterator[str]:
    """The tables of docs/methodology.md."""
    newest = result.findings["end_month"].max()
    yield f"Alarms of January 2018 to {newest:%B %Y}; 90% intervals in brackets, then the number behind each share."
    for caption, rows in (
        ("Scores:", backtest.scores_table(result)),
        ("What our alarms were:", label_rows(result.findings)),
        ("Events a year (of the trackers: months):", year_rows(result.years, result.tracker_years)),
        ("Known episodes:", backtest.episodes_table(result)),
    ):
        yield from ("", caption, "", *markdown(rows))
    yield from ("", survival(result.first_prints))


def replaced(text: str, marks: tuple[str, str], lines: Iterator[str]) -> str:
    """The text with the lines between its two marks. Raises ConfigurationError where it has no such marks."""
    begin, end = marks
    inside = re.compile(f"({re.escape(begin)}\n).*?({re.escape(end)})", re.DOTALL)
    if not inside.search(text):
        raise ConfigurationError(f"no lines {begin!r} and {end!r} to write between; restore them from the repository")
    body = "\n".join(lines).strip("\n")
    return inside.sub(lambda found: f"{found[1]}{body}\n{found[2]}", text)


def write(result: backtest.Backtest, declared: Path, document: Path) -> None:
    """Write both files."""
    for path, marks, lines in ((declared, TOML_MARKS, recorded(result)), (document, PAGE_MARKS, page(result))):
        path.write_text(replaced(path.read_text(encoding="utf-8"), marks, lines), encoding="utf-8")


if __name__ == "__main__":
    settings = Settings()
    with open_published(settings.home().database) as connection:
        measured = backtest.run(connection, settings.declarations)
    write(measured, settings.declarations.folder / backtest.CONFIG, PAGE)
    print("\n".join(backtest.lines(measured)))
    print("\n".join(backtest.failures(measured, settings.declarations.toml(backtest.CONFIG))))
