"""Writes the Data Docs of Great Expectations so that they can be read without the internet.

Its pages load stylesheets, scripts, fonts and pictures from other hosts, and the index fills its tables by a script:
without these it is blank. So pages are copied without what they would load, and the index is our own.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Any

from treasury_watch.transforms.errors import TreasuryWatchError, shorten

if TYPE_CHECKING:
    from treasury_watch.warehouse.gates.expectations import Result

SITE_ENTRIES = {"index.html", "expectations", "validations"}


@dataclass(frozen=True)
class Checked:
    """One checked suite: as Great Expectations has it (`suite`, `outcome`) and as this project does (`results`)."""

    suite: Any
    outcome: Any
    results: list[Result]
    of: str
    when: datetime

    @property
    def run_name(self) -> str:
        """A part of a file name."""
        return re.sub(r"[^A-Za-z0-9_.-]", "_", self.of) or "all"


def build(checked: Sequence[Checked], context: Any, folder: Path) -> Path:
    """Write the pages of everything checked into `folder`, in place of earlier pages; returns the path of index.html.

    `context` is a fresh Great Expectations context. Raises TreasuryWatchError if a page still refers to another host,
    or if `folder` is or holds something other than Data Docs; what was there is then untouched.
    """
    if folder.exists() and not folder.is_dir():
        raise TreasuryWatchError(f"{folder} is a file; choose a folder for the Data Docs")
    strangers = {entry.name for entry in folder.iterdir()} - SITE_ENTRIES if folder.exists() else set()
    if strangers:
        raise TreasuryWatchError(
            f"{folder} holds {shorten(', '.join(sorted(strangers)))}, which is not a page of the Data Docs; "
            "choose another folder or empty this one"
        )
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".data_docs_") as workspace:
        site = Path(workspace) / "site"
        _render(checked, context, site)
        shutil.rmtree(site / "static", ignore_errors=True)  # fonts and pictures that no page asks for any more
        for page in sorted(site.rglob("*.html")):
            page.write_text(self_contained(page.read_text(encoding="utf-8"), page.name), encoding="utf-8")
        (site / "index.html").write_text(self_contained(_index(checked, site), "index.html"), encoding="utf-8")
        if folder.exists():
            shutil.rmtree(folder)
        os.replace(site, folder)
    return folder / "index.html"


def _render(checked: Sequence[Checked], context: Any, site: Path) -> None:
    from great_expectations.core.run_identifier import RunIdentifier
    from great_expectations.data_context.types.resource_identifiers import (
        ExpectationSuiteIdentifier,
        ValidationResultIdentifier,
    )

    suites = {entry.suite.name: entry.suite for entry in checked}
    for suite in suites.values():
        context.suites.add(suite)
    for entry in checked:
        run = RunIdentifier(run_name=entry.run_name, run_time=entry.when)
        entry.outcome.meta["run_id"] = run
        for outcome in entry.outcome.results:
            _drop_tracebacks(outcome.exception_info)
        suite_key = ExpectationSuiteIdentifier(entry.suite.name)
        key = ValidationResultIdentifier(expectation_suite_identifier=suite_key, run_id=run, batch_identifier="frame")
        context.validation_results_store.add(key, entry.outcome)
    context.add_data_docs_site(
        "validation",
        {
            "class_name": "SiteBuilder",
            "store_backend": {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(site.resolve())},
            "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
        },
    )
    context.build_data_docs(site_names=["validation"])


def _drop_tracebacks(info: dict[str, Any] | None) -> None:
    """Tracebacks name paths of this machine; the message says what a reader needs."""
    for record in [info, *(info or {}).values()]:
        if isinstance(record, dict) and record.get("exception_traceback"):
            record["exception_traceback"] = record.get("exception_message")


def _index(checked: Sequence[Checked], site: Path) -> str:
    """The page that lists what was checked, what failed and why it matters."""
    rows: list[str] = []
    failures: list[Result] = []
    for entry in checked:
        failed = [result for result in entry.results if not result.success]
        verdict = "blocked" if any(result.blocking for result in failed) else "warning" if failed else "passed"
        gate, _, subject = entry.suite.name.partition(".")
        found = sorted((site / "validations" / gate / subject / entry.run_name).rglob("*.html"))
        page = found[-1].relative_to(site).as_posix() if found else ""
        label = escape(f"{subject} of {entry.of}" if entry.of else subject)
        link = f'<a href="{escape(page)}">{label}</a>'
        rows.append(
            f'<tr><td class="{verdict}">{verdict}</td><td>{escape(gate)}</td><td>{link}</td>'
            f"<td>{len(entry.results)}</td><td>{len(failed)}</td><td>{entry.when:%Y-%m-%d %H:%M:%S} UTC</td>"
            f'<td><a href="expectations/{escape(gate)}/{escape(subject)}.html">rules</a></td></tr>'
        )
        failures += failed
    lines = [
        f'<tr><td class="{"blocked" if r.blocking else "warning"}">{"blocked" if r.blocking else "warning"}</td>'
        + "".join(f"<td>{escape(text)}</td>" for text in (r.gate, r.subject, r.expectation, r.observed, r.why))
        + "</tr>"
        for r in sorted(failures, key=lambda result: not result.blocking)
    ]
    failed_table = (
        "<table><thead><tr><th>Verdict</th><th>Gate</th><th>What</th><th>Expected</th><th>Found</th><th>Why</th></tr>"
        f"</thead><tbody>{''.join(lines)}</tbody></table>"
        if lines
        else "<p>Everything that was checked held.</p>"
    )
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><title>Validation</title></head><body>'
        f"<h1>Validation</h1><h2>What failed</h2>{failed_table}<h2>What was checked</h2>"
        "<table><thead><tr><th>Verdict</th><th>Gate</th><th>What</th><th>Expectations</th><th>Failed</th><th>Checked</th>"
        f"<th>Rules</th></tr></thead><tbody>{''.join(rows)}</tbody></table></body></html>"
    )


# What a page may not contain, because without its host it is a blank, a broken picture or dead code.
DROPPED_WITH_CONTENT = {"script", "style", "iframe", "object", "noscript"}
DROPPED_TAGS = {"link", "img", "base", "embed", "source"}
ADDRESS_ATTRIBUTES = {"src", "href", "srcset", "action", "formaction", "poster", "data", "background", "xlink:href"}
OTHER_HOST = re.compile(r"^\s*(?:[a-z][a-z0-9+.-]*:)?//", re.IGNORECASE)
CSS_ADDRESS = re.compile(r"url\(|@import", re.IGNORECASE)

STYLESHEET = """
body { font: 15px/1.45 system-ui, sans-serif; color: #1b1f24; background: #fff; margin: 0 auto; max-width: 1200px;
  padding: 1rem; }
h1, h2, h3, h4, h5, h6 { line-height: 1.2; margin: 1.2rem 0 .4rem; font-size: 1.1rem; }
h1 { font-size: 1.6rem; }
h2 { font-size: 1.3rem; }
a { color: #0b57a4; }
table { border-collapse: collapse; margin: .5rem 0 1rem; width: 100%; }
th, td { border: 1px solid #c9d1d9; padding: .35rem .5rem; text-align: left; vertical-align: top;
  overflow-wrap: break-word; }
thead { background: #f0f3f6; }
td:first-child { white-space: nowrap; }
ul, ol { padding-left: 1.3rem; }
i { font-style: normal; }
.breadcrumb, .nav { list-style: none; padding: 0; display: flex; flex-wrap: wrap; gap: .2rem .9rem; }
.breadcrumb-item + .breadcrumb-item::before { content: "/ "; color: #57606a; }
.alert, .card { border: 1px solid #c9d1d9; border-radius: 4px; padding: .4rem .7rem; margin: .5rem 0; }
.badge { background: #eef1f4; border-radius: 4px; padding: 0 .3rem; }
.fa-check-circle, .passed { color: #1a7f37; }
.fa-times, .blocked { color: #b42318; }
.fa-exclamation-triangle, .warning { color: #9a6700; }
td .fa-check-circle::before { content: "\\2713  passed"; }
td .fa-times::before { content: "\\2717  failed"; }
td .fa-exclamation-triangle::before { content: "!  not checked"; }
.cooltip .top, [data-toggle="collapse"], .modal, .btn-group-toggle, .card:has(.btn-group-toggle), footer
  { display: none; }
.cooltip:hover .top { display: block; position: absolute; background: #fff; border: 1px solid #57606a; padding: .5rem; }
@media (prefers-color-scheme: dark) { body { color: #e6edf3; background: #0d1117; } a { color: #6cb6ff; }
  thead, .badge { background: #1c2430; } .cooltip:hover .top { background: #0d1117; }
  .fa-check-circle, .passed { color: #57ab5a; } .fa-times, .blocked { color: #f47067; }
  .fa-exclamation-triangle, .warning { color: #c69026; } }
"""


class _Rewriter(HTMLParser):
    """Copies a page without anything that is loaded from elsewhere or needs a script."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self.parts: list[str] = []
        self._inside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in DROPPED_WITH_CONTENT:
            self._inside.append(tag)
        if self._inside or tag in DROPPED_TAGS:
            return
        kept = [(name, value) for name, value in attrs if not _forbidden(name, value)]
        self.parts.append(f"<{tag}{''.join(map(_attribute, kept))}>")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in DROPPED_WITH_CONTENT:
            self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if self._inside:
            if tag == self._inside[-1]:
                self._inside.pop()
        elif tag == "head":
            self.parts.append(f"<style>{STYLESHEET}</style></head>")
        elif tag not in DROPPED_TAGS:
            self.parts.append(f"</{tag}>")

    def _keep(self, text: str) -> None:
        if not self._inside:
            self.parts.append(text)

    def handle_data(self, data: str) -> None:
        self._keep(data)

    def handle_entityref(self, name: str) -> None:
        self._keep(f"&{name};")

    def handle_charref(self, name: str) -> None:
        self._keep(f"&#{name};")

    def handle_decl(self, decl: str) -> None:
        self._keep(f"<!{decl}>")


class _References(HTMLParser):
    """Collects what a page would load from, or point to, on another host."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._style = tag == "style"
        self.found += [f"<{tag} {name}={value}>" for name, value in attrs if _forbidden(name, value)]
        if tag in {"script", "link"}:
            self.found.append(f"<{tag}>")

    def handle_data(self, data: str) -> None:
        if self._style and CSS_ADDRESS.search(data):
            self.found.append("an address in a stylesheet")


def _attribute(pair: tuple[str, str | None]) -> str:
    name, value = pair
    if value is None:
        return f" {name}"
    escaped = value.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;").replace(">", "&gt;")
    return f' {name}="{escaped}"'


def _forbidden(name: str, value: str | None) -> bool:
    """True for an attribute that runs a script or names another host."""
    if name.startswith("on"):
        return True
    if name in ADDRESS_ATTRIBUTES:
        return bool(OTHER_HOST.match(value or "")) or (value or "").strip().lower().startswith("javascript:")
    return name == "style" and bool(CSS_ADDRESS.search(value or ""))


def self_contained(page: str, name: str) -> str:
    """The page with our stylesheet and nothing from elsewhere. Raises TreasuryWatchError if something is left."""
    rewriter = _Rewriter()
    rewriter.feed(page)
    rewriter.close()
    cleaned = "".join(rewriter.parts)
    references = _References()
    references.feed(cleaned)
    references.close()
    if references.found or STYLESHEET not in cleaned:
        found = "; ".join(references.found[:3]) or "no place for a stylesheet"
        raise TreasuryWatchError(
            f"Data Docs page {name}: expected a page that needs no internet, found {shorten(found)}; "
            "the layout of Great Expectations' pages has changed, nothing was written"
        )
    return cleaned
