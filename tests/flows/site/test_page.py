import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from datetime import date, datetime
from html import unescape
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import pytest

from tests.flows.site.page_data import (
    BROWSER,
    CHECKED,
    CONTEXT,
    DECLARED,
    EXPLAINED,
    FINDINGS,
    FULL,
    GENERATED,
    HOSTILE,
    JAPAN,
    PARTS,
    Reading,
    fill,
    month_row,
    needs_browser,
)
from treasury_watch.flows.alerts.mails.digest_mail import digest
from treasury_watch.flows.run.summary.artifacts import newest_findings
from treasury_watch.flows.site import addresses
from treasury_watch.flows.site.page import ReportError, render, write
from treasury_watch.flows.site.sections.findings import headline_of
from treasury_watch.flows.site.sections.opening import months_after
from treasury_watch.transforms.errors import TreasuryWatchError
from treasury_watch.transforms.wording import one_line
from treasury_watch.warehouse.tables.published_findings import published_findings

APRIL, MAY = date(2024, 4, 1), date(2024, 5, 1)


@pytest.fixture
def warehouse() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        yield connection


def page_of(connection: duckdb.DuckDBPyConnection, content: dict[str, list[dict[str, Any]]], **changed: Any) -> str:
    fill(connection, {**content, **changed})
    return render(connection, generated=GENERATED)


@pytest.fixture(scope="module")
def full_page(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """(database, page) with something in every table."""
    folder = tmp_path_factory.mktemp("report")
    database = folder / "treasury.duckdb"
    with duckdb.connect(str(database)) as connection:
        fill(connection, FULL)
    return database, write(database, folder / "report.html", GENERATED)


@pytest.fixture(scope="module")
def page(full_page: tuple[Path, Path]) -> str:
    return full_page[1].read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def reading(page: str) -> Reading:
    return Reading(page)


@pytest.fixture(scope="module")
def in_browser(full_page: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> str:
    """The document as Chromium holds it after the page's scripts ran."""
    return document_in_browser(full_page[1], tmp_path_factory.mktemp("profile"))


def document_in_browser(page: Path, profile: Path) -> str:
    assert BROWSER is not None
    command = [BROWSER, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    command += ["--no-first-run", f"--user-data-dir={profile}", "--allow-file-access-from-files"]
    command += ["--virtual-time-budget=5000", "--dump-dom", page.as_uri()]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout


def stated(connection: duckdb.DuckDBPyConnection, cell: dict[str, str]) -> float | None:
    """What the warehouse says about a cell of the page."""
    column, holder = cell["data-column"], cell["data-holder"]
    if column == "change_on_year_usd_mn":
        query = (
            "SELECT now.position_usd_mn - before.position_usd_mn FROM holder_months AS now LEFT JOIN holder_months AS before "
            "ON before.holder_id = now.holder_id AND before.month = now.month - INTERVAL 12 MONTH "
            "WHERE now.holder_id = ? AND now.month = ?"
        )
        parameters = [holder, cell["data-month"]]
    elif column == "net_of_year_usd_mn":
        query = (
            "SELECT CASE WHEN count(net_purchases_usd_mn) = 12 THEN sum(net_purchases_usd_mn) END FROM holder_months "
            "WHERE holder_id = ? AND month BETWEEN ?::DATE - INTERVAL 11 MONTH AND ?::DATE"
        )
        parameters = [holder, cell["data-month"], cell["data-month"]]
    elif cell.get("data-start"):
        query = f"SELECT {column} FROM episodes WHERE holder_id = ? AND rule = ? AND start_month = ?"
        parameters = [holder, cell["data-rule"], cell["data-start"]]
    else:
        query = (
            f"SELECT {column} FROM (FROM holder_months UNION ALL BY NAME FROM aggregate_months) "
            "WHERE holder_id = ? AND month = ?"
        )
        parameters = [holder, cell.get("data-month", "2024-05-01")]
    found = connection.execute(query, parameters).fetchall()
    return found[0][0] if found else None


def displayed(value: float | None, per: float, suffix: str = "") -> str:
    return "n.a." if value is None else f"{abs(value) / per:,.1f}{suffix}"


@needs_browser
def test_every_number_on_the_page_is_the_warehouses_own(full_page: tuple[Path, Path], in_browser: str) -> None:
    cells = Reading(in_browser).cells
    tables = {cell["data-column"] for cell in cells}
    assert tables >= {f"{name}_usd_mn" for name in ["position", *PARTS]} | {"share_of_foreign_pct"}
    assert tables >= {"change_on_year_usd_mn", "net_of_year_usd_mn"}
    assert len(cells) > 110
    with duckdb.connect(str(full_page[0]), read_only=True) as connection:
        for cell in cells:
            compare(cell, stated(connection, cell))


def compare(cell: dict[str, str], value: float | None) -> None:
    exact = cell.get("data-usd-mn", cell.get("data-pct", ""))
    assert (float(exact) if exact else None) == value, cell
    text = cell["text"].strip().removesuffix("bn").replace("$", "")
    if value is None:
        assert text in {"n.a.", "·"}, cell
        return
    assert text.lstrip("+−") == (displayed(value, 1, "%") if "data-pct" in cell else displayed(value, 1000)), cell
    assert text.startswith("−") == (value < 0 and text not in {"0.0"}), cell


POINTED_AT = """
<script>
const chart = document.querySelector(".holder [data-hover]");
chart.dispatchEvent(new KeyboardEvent("keydown", { key: "End" }));
const tip = chart.querySelector(".tip");
const button = document.querySelectorAll("#ranking-table th button")[2];
button.focus();
button.click(); button.click();
const rows = Array.from(document.querySelectorAll("#ranking-table tbody th"), (cell) => cell.textContent.trim());
const sorted = Array.from(document.querySelectorAll("#ranking-table [aria-sort]"), (heading) => heading.ariaSort);
document.body.insertAdjacentHTML("beforeend", "<p id='seen'></p>");
document.getElementById("seen").textContent = JSON.stringify({
  tip: tip.textContent, width: tip.offsetWidth, height: tip.offsetHeight, focused: document.activeElement === button,
  rows: rows, sorted: sorted,
});
</script>
"""


@pytest.fixture(scope="module")
def used(full_page: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a reader with a keyboard sees who asks a chart for its last month and sorts the ranking by the change, twice."""
    folder = tmp_path_factory.mktemp("used")
    page = folder / "used.html"
    page.write_text(
        full_page[1].read_text(encoding="utf-8").replace("</body>", f"{POINTED_AT}</body>"), encoding="utf-8"
    )
    document = document_in_browser(page, folder / "profile")
    [seen] = re.findall(r'<p id="seen">(.*?)</p>', document)
    found: dict[str, Any] = json.loads(unescape(seen))
    return found


@needs_browser
def test_a_chart_tells_the_month_that_is_asked_for_in_a_small_tip(used: dict[str, Any]) -> None:
    assert used["tip"].startswith("May 2024, USD bnHoldings 1,106.0Change −20.1Bonds and notes +0.2Bills −24.0")
    assert used["width"] <= 240
    assert used["height"] <= 180


@needs_browser
def test_the_ranking_is_sorted_by_the_heading_that_is_pressed(used: dict[str, Any]) -> None:
    assert used["rows"] == ["Japan", "Belgium", HOSTILE]
    assert used["sorted"] == ["ascending"]
    assert used["focused"]


@needs_browser
def test_the_page_does_not_scroll_sideways_on_a_phone(full_page: tuple[Path, Path], tmp_path: Path) -> None:
    page = tmp_path / "phone.html"
    page.write_text(
        f'<iframe id="phone" src="{full_page[1].as_uri()}" style="width:390px;height:800px;border:0"></iframe>'
        "<p id='widths'></p><script>const phone = document.getElementById('phone');"
        "const measure = () => { const root = phone.contentDocument.documentElement;"
        "document.getElementById('widths').textContent = root.clientWidth + ' ' + root.scrollWidth; };"
        "phone.addEventListener('load', () => setTimeout(measure, 1500));</script>",
        encoding="utf-8",
    )
    seen, needed = map(int, re.findall(r"(\d+) (\d+)</p>", document_in_browser(page, tmp_path / "profile"))[0])
    assert 360 <= seen <= 390
    assert needed == seen


def test_charts_carry_the_warehouses_figures(reading: Reading) -> None:
    told = {
        named["aria-label"].partition(",")[0]: named["data-hover"] for _, named in reading.tags if "data-hover" in named
    }
    series = {row["name"]: row["shown"] for row in json.loads(told["Japan"])["series"]}
    assert series["Holdings"] == ["1,167.0", "1,126.1", "1,106.0"]
    assert series["Valuation"] == ["+5.0", "−29.8", "+7.3"]


def test_the_page_asks_for_no_outside_address(page: str, reading: Reading) -> None:
    addresses = [named[key] for _, named in reading.tags for key in ("src", "href", "action", "srcset") if key in named]
    assert addresses
    assert all(address.startswith("#") for address in addresses)
    assert not {tag for tag, _ in reading.tags} & {"link", "img", "iframe", "object", "embed", "base"}
    assert not re.findall(r"url\(|@import|fetch\(|XMLHttpRequest|sendBeacon|WebSocket|import\(|//\w+\.\w+", page)
    policy = [named["content"] for tag, named in reading.tags if named.get("http-equiv") == "Content-Security-Policy"]
    assert policy == ["default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:"]


def test_no_reader_is_told_to_run_a_command_or_shown_the_names_of_columns(reading: Reading) -> None:
    assert "treasury-watch" not in reading.text
    assert "slt_table3" not in reading.text.partition("How to read this")[0]


def test_sentence_and_chart_of_the_total_come_first_then_ranking_findings_and_the_rest(page: str) -> None:
    places = [
        "<h1>",
        'id="chart-total"',
        'id="ranking"',
        'id="happened"',
        'id="heat"',
        'id="holders"',
        'id="revisions"',
    ]
    places += ['id="findings"', 'id="method"', 'id="health"']
    found = [page.index(place) for place in places]
    assert found == sorted(found)


def test_links_within_the_page_lead_somewhere(reading: Reading) -> None:
    tags = reading.tags
    places = [named["id"] for _, named in tags if "id" in named]
    assert len(places) == len(set(places))
    assert {named["href"].removeprefix("#") for tag, named in tags if tag == "a"} <= set(places)


def test_headings_go_down_one_step_at_a_time(reading: Reading) -> None:
    levels = [int(tag[1]) for tag, _ in reading.tags if re.fullmatch(r"h\d", tag)]
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_tables_have_captions_and_every_heading_cell_a_scope(reading: Reading) -> None:
    tags = reading.tags
    assert sum(tag == "table" for tag, _ in tags) == sum(tag == "caption" for tag, _ in tags) > 0
    assert all(named.get("scope") for tag, named in tags if tag == "th")


def test_the_figures_stand_under_their_headings(reading: Reading) -> None:
    assert (
        "Rank Holder Holdings Change on month Change on year Net purchases, month Net purchases, 12 months Share"
        in reading.text
    )
    ranked = [cell["data-column"] for cell in reading.cells if cell.get("id") == "ranking-table"]
    assert ranked[:6] == [
        "position_usd_mn", "change_usd_mn", "change_on_year_usd_mn", "net_purchases_usd_mn", "net_of_year_usd_mn",
        "share_of_foreign_pct",
    ]  # fmt: skip


def test_charts_are_described_for_those_who_do_not_see_them(reading: Reading) -> None:
    labels = [named.get("aria-label", "") for _, named in reading.tags if named.get("role") == "img"]
    [japan] = [label for label in labels if label.startswith("Japan, chart of holdings")]
    assert "from 1,167.0 billion dollars in March 2024 to 1,106.0 billion in May 2024" in japan
    assert all(len(label) > 40 for label in labels)


def test_a_hostile_holder_name_is_shown_as_text(page: str, reading: Reading) -> None:
    assert "<script>alert" not in page
    assert HOSTILE in reading.text
    assert sum(tag == "script" for tag, _ in reading.tags) == 1


@needs_browser
def test_a_hostile_holder_name_runs_nothing_in_a_browser(in_browser: str) -> None:
    assert sum(tag == "script" for tag, _ in Reading(in_browser).tags) == 1


def test_the_same_database_and_time_give_the_same_page(full_page: tuple[Path, Path], tmp_path: Path) -> None:
    again = write(full_page[0], tmp_path / "again.html", GENERATED)
    assert again.read_bytes() == full_page[1].read_bytes()


def test_the_header_says_how_old_the_newest_release_is(reading: Reading) -> None:
    text = reading.text
    assert "May 2024 is the newest month, released on 18 July 2024 , 2 days before this page was made" in text
    assert "Table 3 (18 July 2024)" in text
    assert "should be out" not in text


def test_a_month_that_should_be_out_by_now_is_missed_aloud(warehouse: duckdb.DuckDBPyConnection) -> None:
    fill(warehouse, FULL)
    text = Reading(render(warehouse, generated=datetime(2024, 9, 19))).text
    late = "By the release calendar June and July 2024 should be out, and are missing here."
    assert late in text


@pytest.mark.parametrize(
    ("newest", "expected", "words"),
    [
        (date(2026, 7, 1), date(2026, 8, 1), "August 2026"),
        (date(2026, 7, 1), date(2026, 9, 1), "August and September 2026"),
        (date(2026, 10, 1), date(2027, 1, 1), "November 2026 to January 2027"),
    ],
)
def test_the_missing_months_are_named(newest: date, expected: date, words: str) -> None:
    assert months_after(newest, expected) == words


def test_findings_of_the_newest_month_come_with_verdict_explanation_and_currency(reading: Reading) -> None:
    text = reading.text
    card = text[text.index("What happened May 2024") : text.index("The largest of the 24 months")]
    assert card.index("A run Japan, April to May 2024 mixed critical A run.") < card.index("Sons")
    assert "Japan, May 2024" not in card  # the run tells it


def test_a_card_has_currency_caveats_and_what_the_rule_measured(warehouse: duckdb.DuckDBPyConnection) -> None:
    text = Reading(page_of(warehouse, FULL, episodes=[])).text
    card = text[text.index("What happened May 2024") : text.index("The largest of the 24 months")]
    assert "Japan, May 2024 sold notice " + EXPLAINED in card
    assert CONTEXT in card
    assert "Flagged as net sale (2.1% of the position, score −1.6)." in card
    assert "Net sales of bills are an estimate." in card
    assert "<b>not bold</b>" in card


def test_a_month_flagged_by_two_rules_is_one_finding(warehouse: duckdb.DuckDBPyConnection) -> None:
    twice = {**FINDINGS[1], "rules": ["net_sale", "fall"], "severity": "critical"}
    text = Reading(page_of(warehouse, FULL, sell_offs=[twice], episodes=[])).text
    assert text.count("Japan, April 2024 repriced critical") == 1
    assert "2024: 1 finding " in text


def test_page_digest_and_run_count_the_same_events_of_the_newest_month(warehouse: duckdb.DuckDBPyConnection) -> None:
    page = page_of(warehouse, FULL)
    found = published_findings(warehouse, DECLARED.rules)
    newest = page.partition('id="happened"')[2].partition("The largest of the")[0]
    card = re.findall(r'<span class="muted">([^<]*?), (?:April to )?May 2024</span>', newest)
    letter = digest("digest:slt_table3:2024-07-18", date(2024, 5, 1), found)
    assert [one_line(unescape(name)) for name in card] == [item.holder for item in letter.findings]
    assert [row["holder"] for row in newest_findings(found, date(2024, 5, 1))] == [
        item.holder for item in letter.findings
    ]
    assert letter.title.startswith("U.S. Treasuries, May 2024: 2 findings")


def test_findings_are_folded_by_year_one_line_each_and_older_ones_counted(page: str, reading: Reading) -> None:
    section = page.partition('id="findings"')[2].partition("</section>")[0]
    assert re.findall(r"<summary>(.*?)</summary>", section) == ["2024: 4 findings"]
    assert re.findall(r'<li id="(.*?)" data-holder="japan">', section) == [
        "japan-2024-05", "japan-fall-from-2024-04", "japan-2024-04",
    ]  # fmt: skip
    assert "1 earlier one is in the database." in reading.text
    assert "Long ago." not in page


def test_a_headline_is_the_first_clause_of_what_is_found() -> None:
    told = "Canada sold $43.8bn of U.S. Treasuries in April 2026, nearly all bonds and notes; its holdings fell. So."
    found = SimpleNamespace(row={"headline": told}, title="")
    assert headline_of(found) == "Canada sold $43.8bn of U.S. Treasuries in April 2026, nearly all bonds and notes"


def test_in_a_site_holders_findings_health_and_methodology_are_links_to_its_pages(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    fill(warehouse, FULL)
    sections = ((addresses.INDEX, "Overview"), (addresses.RELEASES, "Releases"))
    reading = Reading(render(warehouse, generated=GENERATED, site=True, sections=sections))
    links = {named["href"] for tag, named in reading.tags if tag == "a" if not named["href"].startswith("#")}
    feeds = {
        f"feeds/{name}"
        for name in ("findings.atom", "findings.json", "revisions.atom", "revisions.json", "releases.ics")
    }
    assert links == {
        *(addresses.holder_page(holder) for holder in ("japan", "belgium", "sons")),
        *(addresses.finding_page(*found) for found in (("japan", MAY), ("japan", APRIL), ("sons", MAY))),
        addresses.episode_page("japan", "fall", APRIL),
        addresses.DATA, addresses.HEALTH, addresses.METHODOLOGY, addresses.FINDINGS, addresses.INDEX, addresses.RELEASES, *feeds,
    }  # fmt: skip
    assert any(named.get("class") == "skip" and named["href"] == "#main" for tag, named in reading.tags if tag == "a")
    assert sum(tag == "header" for tag, _ in reading.tags) == 1
    within = {named["href"][1:] for tag, named in reading.tags if tag == "a" if named["href"].startswith("#")}
    assert within <= {named["id"] for _, named in reading.tags if "id" in named}
    assert "What was checked" not in reading.text


def test_a_page_on_its_own_links_to_the_site_where_one_is_published(warehouse: duckdb.DuckDBPyConnection) -> None:
    fill(warehouse, FULL)
    page = render(warehouse, generated=GENERATED, site_address="https://example.org/watch/")
    assert 'href="https://example.org/watch/holders/japan.html"' in page
    assert f'href="https://example.org/watch/{addresses.DATA}"' in page
    assert 'href="#health"' in page


def test_failed_checks_are_told_in_words_and_only_those_of_the_newest_run(reading: Reading) -> None:
    text = reading.text
    assert "Of 2 checks made on 20 July 2024, 1 passed, 1 warned and 0 failed." in text
    assert (
        "warning freshness Expected no source is stale Found Euro rates, 12 days late "
        "Why, and what to do A file can stop being updated."
    ) in text
    assert "an old complaint" not in text


def checks(*rows: tuple[str, str, str, bool, bool]) -> list[dict[str, Any]]:
    names = ("gate", "subject", "expectation", "success", "blocking")
    return [{**CHECKED, "observed": "3 rows", **dict(zip(names, row, strict=True))} for row in rows]


def test_what_stops_publication_comes_before_what_warns(warehouse: duckdb.DuckDBPyConnection) -> None:
    rows = checks(
        ("parsed", "coverage of slt_table3", "no holder has a gap", False, False),
        ("publish", "positions", "there are positions", False, True),
    )
    text = Reading(page_of(warehouse, FULL, validation_results=rows)).text
    assert "0 passed, 1 warned and 1 failed. While a check fails, the last good tables stay published." in text
    assert text.index("failed: stops publication positions") < text.index("warning coverage of Table 3")


def test_checks_that_held_are_folded_by_gate_and_subject_with_their_counts(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    rows = checks(
        ("parsed", "observations of slt_table3", "months are dates", True, True),
        ("parsed", "observations of slt_table3", "figures are numbers", True, True),
        ("parsed", "coverage of slt_table3", "no holder has a gap", True, False),
        ("publish", "positions", "there are positions", True, True),
    )
    page = page_of(warehouse, FULL, validation_results=rows)
    section = page.partition('id="checked"')[2].partition("</section>")[0]
    assert re.findall(r"<summary>(.*?)</summary>", re.sub(r"</?(span|code)[^>]*>", "", section)) == [
        "After each file was read: 3 checks held",
        "coverage of Table 3 1 check",
        "observations of Table 3 2 checks",
        "Before tables were published: 1 check held",
        "positions 1 check",
    ]
    assert "open" not in re.findall(r"<details.*?>", section)[0]
    assert "months are dates 3 rows" in Reading(page).text


def test_a_publication_of_before_checks_had_reasons_is_still_shown(warehouse: duckdb.DuckDBPyConnection) -> None:
    fill(warehouse, FULL)
    warehouse.execute("ALTER TABLE validation_results DROP COLUMN why")
    text = Reading(render(warehouse, generated=GENERATED)).text
    assert "Expected no source is stale Found Euro rates, 12 days late" in text
    assert "Why, and what to do" not in text


def test_a_download_does_not_count_as_a_release(reading: Reading) -> None:
    text = reading.text
    assert "Euro rates daily Jun 2024, 1 month ago fetched 2024-07-20 no date n.a." in text
    assert "Table 3 monthly May 2024, 2 months ago 2024-07-18 calendar 2" in text
    assert "1 declared source was never loaded" in text


def test_revisions_are_counted_where_the_database_keeps_them(warehouse: duckdb.DuckDBPyConnection) -> None:
    fill(warehouse, FULL)
    assert "evisions of published figures" not in render(warehouse, generated=GENERATED)
    warehouse.execute("CREATE TABLE IF NOT EXISTS revisions (released DATE)")
    warehouse.execute("INSERT INTO revisions (released) SELECT DATE '2024-06-18' + i::INTEGER FROM range(1200) t(i)")
    newest = date(2027, 9, 30)
    text = Reading(render(warehouse, generated=GENERATED)).text
    assert f"1,200 revisions of published figures are on record, the newest of {newest.day} {newest:%B %Y}." in text


def test_turned_findings_and_the_largest_revisions_are_told_with_their_figures(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    day = date(2024, 7, 18)
    common = {"holder_id": "norway", "holder": "Norway <b>", "released": day}
    turned = {
        **common, "rule": "fall", "rules": ["fall"], "start_month": date(2024, 4, 1),
        "explanation": "Norway reads repriced, sold before.",
    }  # fmt: skip
    revision = {
        **common, "place": 1, "month": date(2024, 4, 1), "source": "slt_table3", "old_usd_mn": 163000.0,
        "new_usd_mn": 150500.5, "difference_usd_mn": -12499.5,
    }  # fmt: skip
    page = page_of(
        warehouse,
        {
            "holder_months": [month_row("japan", "Japan", "2024-05-01", 1105953)],
            "revised_findings": [turned],
            "largest_revisions": [revision],
        },
    )
    reading = Reading(page)
    assert "The release of 18 July 2024 changed what was found before: Norway reads repriced, sold" in reading.text
    cells = [cell for cell in reading.cells if cell.get("id") == "revisions-table"]
    assert [cell["data-usd-mn"] for cell in cells] == ["163000", "150500.5", "-12499.5"]
    assert "<b>" not in page


def test_a_source_that_stands_still_is_named_with_its_newest_month(warehouse: duckdb.DuckDBPyConnection) -> None:
    release = {
        "source": "slt_table3", "released": date(2024, 3, 18), "last_month": date(2024, 1, 1),
        "released_basis": "calendar", "changed_figures": 1,
    }  # fmt: skip
    page = page_of(warehouse, {"holder_months": [month_row("japan", "Japan", "2024-01-01", 1)], "releases": [release]})
    late = r"Frozen : TIC Table 3: U\.S\. Treasury securities held by foreign residents: newest month 2024-01; 2024-02 was due"
    assert re.search(late + r" \d+ days ago\.", Reading(page).text)


def test_the_methodology_is_on_the_page_and_its_links_are_text(page: str) -> None:
    inside = page.partition('id="methodology"')[2].partition("</details>")[0]
    assert "change in holdings = net purchases + valuation change + other changes" in inside
    assert "<h3>" in inside
    assert "<a " not in inside


def test_an_empty_database_gives_a_page_that_says_what_to_do(warehouse: duckdb.DuckDBPyConnection) -> None:
    reading = Reading(page_of(warehouse, {}))
    assert "No holdings are loaded yet, so there is nothing to report." in reading.text
    assert "No run is recorded." in reading.text
    assert "No results of checks are recorded." in reading.text
    assert not [tag for tag, _ in reading.tags if tag == "table"]


def test_empty_tables_become_sentences(warehouse: duckdb.DuckDBPyConnection) -> None:
    first = [month_row("japan", "Japan", "2024-05-01", 1105953)]
    reading = Reading(page_of(warehouse, {"holder_months": first}).partition('id="methodology"')[0])
    for sentence in (
        "The newest release changed no earlier finding. No revision of a published figure is on record yet.",
        "No dated release states it.",
        "The statistics loaded here state no total of all foreign holdings for May 2024.",
        "No holder was flagged in May 2024",
        "No holder was flagged in the months before.",
        "No net purchases are published for these months",
        "Not flagged in these 24 months.",
        "No month since January 2024 is flagged.",
    ):
        assert sentence in reading.text
    assert sum(tag == "table" for tag, _ in reading.tags) == 2


def test_a_new_survey_basis_is_explained_below_the_holders_months(warehouse: duckdb.DuckDBPyConnection) -> None:
    broken = [JAPAN[1], {**month_row("japan", "Japan", "2024-05-01", 1105953), "series_break": True}]
    text = Reading(page_of(warehouse, FULL, holder_months=broken)).text
    assert "A new survey basis starts in May 2024; no change is computed across it." in text


def test_a_missing_database_names_the_command_that_makes_one(tmp_path: Path) -> None:
    with pytest.raises(
        TreasuryWatchError, match=r"no database at .*treasury\.duckdb yet; run treasury-watch run first"
    ):
        write(tmp_path / "treasury.duckdb", tmp_path / "report.html", GENERATED)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_database_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "treasury.duckdb").write_text("not a database" * 1000)
    with pytest.raises(ReportError, match=r"cannot be read .*treasury-watch rebuild") as refused:
        write(tmp_path / "treasury.duckdb", tmp_path / "report.html", GENERATED)
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "report.html").exists()


def test_a_page_that_cannot_be_written_leaves_nothing_behind(full_page: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "taken.html").mkdir()
    with pytest.raises(ReportError, match=r"taken\.html cannot be written .*--out"):
        write(full_page[0], tmp_path / "taken.html", GENERATED)
    assert [path.name for path in tmp_path.iterdir()] == ["taken.html"]


def test_writing_replaces_an_older_page_and_leaves_the_database_alone(
    full_page: tuple[Path, Path], tmp_path: Path
) -> None:
    database = tmp_path / "treasury.duckdb"
    shutil.copyfile(full_page[0], database)
    before = database.read_bytes()
    out = tmp_path / "reports" / "report.html"
    out.parent.mkdir()
    out.write_text("an older page")
    assert write(database, out, GENERATED) == out
    assert out.read_bytes() == full_page[1].read_bytes()
    assert database.read_bytes() == before
    assert [path.name for path in out.parent.iterdir()] == ["report.html"]
