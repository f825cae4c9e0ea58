import json
import re
from datetime import date, datetime
from html import unescape
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import pytest

from tests.flows.site.page_data import (
    CONTEXT,
    DECLARED,
    EXPLAINED,
    FINDINGS,
    FULL,
    GENERATED,
    HOSTILE,
    JAPAN,
    Reading,
    fill,
    month_row,
    page_of,
)
from treasury_watch.flows.alerts.mails.digest_mail import digest
from treasury_watch.flows.run.summary.artifacts import newest_findings
from treasury_watch.flows.site import addresses
from treasury_watch.flows.site.page import render, write
from treasury_watch.flows.site.sections.findings import headline_of
from treasury_watch.flows.site.sections.opening import months_after
from treasury_watch.transforms.wording import one_line
from treasury_watch.warehouse.tables.published_findings import published_findings

APRIL, MAY = date(2024, 4, 1), date(2024, 5, 1)


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


def test_the_same_database_and_time_give_the_same_page(full_page: tuple[Path, Path], tmp_path: Path) -> None:
    again = write(full_page[0], tmp_path / "again.html", GENERATED)
    assert again.read_bytes() == full_page[1].read_bytes()


def test_the_header_says_how_old_the_newest_release_is(reading: Reading) -> None:
    text = reading.text
    assert "May 2024 is the newest month, released on 18 July 2024 , 2 days before this page was made" in text
    assert "Table 3 (18 July 2024)" in text
    assert "should be out" not in text


def test_months_of_which_only_holdings_are_read_are_named_and_what_officials_and_others_did_in_three(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    def rows(holder_id: str, *positions: float) -> list[dict[str, Any]]:
        flows = [(0.0, 0.0, 0.0, 0.0, 0.0), (0.0, 0.0, 0.0, 0.0, 0.0), (None,) * 5, (None,) * 5]
        return [
            month_row(holder_id, holder_id, f"2024-0{month}-01", position, 0.0, *flow)
            for month, position, flow in zip((2, 3, 4, 5), positions, flows, strict=True)
        ]

    totals = [*rows("grand_total", 8e6, 8e6, 8e6, 7.98e6), *rows("foreign_official", 4e6, 4e6, 4e6, 3.97e6)]
    text = Reading(page_of(warehouse, FULL, aggregate_months=totals)).text
    assert (
        "Purchases, sales and valuation are read here to March 2024: of April and May 2024 only holdings are." in text
    )
    assert "Over the three months to May 2024 officials' holdings fell $30.0bn and all others' rose $10.0bn." in text


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
