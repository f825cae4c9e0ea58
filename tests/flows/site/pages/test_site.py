"""A small site as a whole: its links, figures, previews, and what becomes of a finding that no longer stands."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from tests.flows.site.page_data import BROWSER, Reading, fill, needs_browser
from tests.flows.site.pages.small_site import CONTENT, broken_links, built
from treasury_watch.flows.site.pages.files import read_record
from treasury_watch.flows.site.pages.texts import rendered
from treasury_watch.flows.site.sections.health import FOR_OPERATORS

MAY, APRIL = "findings/japan-2024-05.html", "findings/japan-2024-04.html"
RUN = "findings/japan-fall-from-2024-04.html"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site") / "public"
    built(folder)
    return folder


@pytest.fixture
def copied(site: Path, tmp_path: Path) -> Path:
    """A copy of the site as it was first built, to be built upon."""
    return Path(shutil.copytree(site, tmp_path / "copied"))


@pytest.fixture(scope="module")
def warehouse() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        fill(connection, CONTENT)
        yield connection


def text_of(path: Path) -> str:
    return " ".join(Reading(path.read_text(encoding="utf-8")).text.split())


def test_every_holder_finding_and_release_has_a_page_and_every_link_leads_somewhere(site: Path) -> None:
    pages = {path.relative_to(site).as_posix() for path in site.rglob("*.html")}
    assert pages >= {
        "index.html", "404.html", "methodology.html", "health.html", "holders/index.html", "holders/japan.html",
        "holders/belgium.html", "holders/sons.html", "holders/grand_total.html", "findings/index.html", MAY, APRIL, RUN,
        "releases/index.html", "releases/2024-06-18.html", "releases/2024-07-18.html",
    }  # fmt: skip
    assert broken_links(site) == []


def test_the_links_test_sees_a_missing_page_and_a_missing_anchor(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text('<a href="b.html#there">x</a><a href="c.html">x</a><a href="#no">x</a>')
    (tmp_path / "b.html").write_text('<p id="there">x</p>')
    assert broken_links(tmp_path) == ["a.html: c.html", "a.html: #no"]


def test_a_page_names_no_other_address_than_its_publishers(site: Path) -> None:
    for path in site.rglob("*.html"):
        for address in re.findall(r'(?:src|href)="(https?://[^"/]+)', path.read_text(encoding="utf-8")):
            assert address.endswith((".gov", ".org", ".go.jp", ".europa.eu")), (path, address)


def test_the_finding_says_what_was_printed_first_what_stands_and_in_which_file_and_line(site: Path) -> None:
    told = text_of(site / MAY)
    assert "18 June 2024 Table 3 1,128,300 -22,347" in told.replace("−", "-")
    assert "18 July 2024 Table 3 stands 1,105,953" in told
    assert "Line 4711 of the file." in told
    assert "d" * 64 in told
    assert "vintage of 18 July 2024" in told


def test_a_finding_leads_to_the_release_that_states_it_and_its_holder_and_it_to_the_tables(site: Path) -> None:
    for page, table in ((MAY, "sell_offs"), (RUN, "episodes"), ("holders/japan.html", "holder_months")):
        assert f'href="../data/index.html#{table}"' in (site / page).read_text(encoding="utf-8")
    assert 'href="../releases/2024-07-18.html"' in (site / MAY).read_text(encoding="utf-8")


def test_no_page_shows_mark_up_as_text(site: Path) -> None:
    for path in (*site.glob("*.html"), *(site / "holders").glob("*.html"), *(site / "findings").glob("*.html")):
        told = Reading(path.read_text(encoding="utf-8")).text
        assert not re.search(r"</?(?:h[1-6]|p|div|section|table|span)\b", told), path


def test_a_reader_of_the_health_page_is_told_why_a_check_matters_and_no_command(site: Path) -> None:
    text = text_of(site / "health.html")
    assert "A file can stop being updated" in text
    assert not [word for word in FOR_OPERATORS if word in text]


def test_an_episode_states_its_months_and_their_sum(site: Path) -> None:
    cells = {
        (cell.get("data-month"), cell["data-column"]): cell["text"]
        for cell in Reading((site / RUN).read_text(encoding="utf-8")).cells
        if cell.get("id") == "identity" and "data-column" in cell
    }
    assert cells["2024-04-01", "change_usd_mn"] == "−40.9"
    assert cells["2024-05-01", "net_purchases_usd_mn"] == "−23.9"
    assert cells[None, "change_usd_mn"] == "−61.1"


def test_text_from_tables_stands_as_text(site: Path) -> None:
    page = (site / "holders/sons.html").read_text(encoding="utf-8")
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page
    assert "<b>not bold" not in (site / MAY).read_text(encoding="utf-8")


def test_the_release_page_has_first_prints_and_revisions_the_largest_first(site: Path) -> None:
    reading = Reading((site / "releases/2024-07-18.html").read_text(encoding="utf-8"))
    revised = [
        c["text"] for c in reading.cells if c.get("id") == "revisions" and c["data-column"] == "difference_usd_mn"
    ]
    assert revised == ["−24.2", "−20.0"]
    assert "May 2024 as first stated" in reading.text
    assert "1,128.3" in reading.text


def test_without_an_address_links_to_previews_are_relative_and_with_one_absolute(site: Path, tmp_path: Path) -> None:
    relative = (site / MAY).read_text(encoding="utf-8")
    assert '<meta property="og:image" content="../previews/findings/japan-2024-05.png">' in relative
    assert "og:url" not in relative
    assert not (site / "sitemap.xml").exists()
    built(tmp_path / "served", address="https://example.org/t")
    absolute = (tmp_path / "served" / MAY).read_text(encoding="utf-8")
    assert 'content="https://example.org/t/previews/findings/japan-2024-05.png"' in absolute
    assert f'<link rel="canonical" href="https://example.org/t/{MAY}">' in absolute
    assert f"<loc>https://example.org/t/{MAY}</loc>" in (tmp_path / "served/sitemap.xml").read_text()
    assert "Sitemap: https://example.org/t/sitemap.xml" in (tmp_path / "served/robots.txt").read_text()


def test_a_preview_is_a_png_of_the_size_that_messengers_ask_for(site: Path) -> None:
    head = (site / "previews/findings/japan-2024-05.png").read_bytes()[:24]
    assert head[:8] == b"\x89PNG\r\n\x1a\n"
    assert (int.from_bytes(head[16:20]), int.from_bytes(head[20:24])) == (1200, 630)


def test_the_same_tables_write_nothing_again_and_a_finding_that_is_gone_keeps_its_page(copied: Path) -> None:
    assert built(copied).written == []
    without = [
        row for row in CONTENT["sell_offs"] if not (row["holder_id"] == "japan" and row["month"] == "2024-05-01")
    ]
    hits = [row for row in CONTENT["rule_hits"] if not (row["holder_id"] == "japan" and row["month"] == "2024-05-01")]
    later = built(copied, {**CONTENT, "sell_offs": without, "rule_hits": hits})
    told = text_of(copied / MAY)
    assert "No longer stands. By the figures of the release of 18 July 2024 it is not flagged" in told
    assert "Japan's holdings fell by $20.1bn in May 2024" in told
    assert f'href="{Path(MAY).name}"' in (copied / "findings/index.html").read_text(encoding="utf-8")
    assert APRIL not in later.written or "stands" in text_of(copied / APRIL)
    assert broken_links(copied) == []
    assert built(copied).record.findings[MAY]["stands"]
    assert "No longer stands" not in text_of(copied / MAY)


def test_amounts_that_moved_since_the_site_first_listed_a_finding_are_said(copied: Path) -> None:
    moved = [
        {**row, "net_purchases_usd_mn": -12000} if row["month"] == "2024-05-01" else row for row in CONTENT["sell_offs"]
    ]
    built(copied, {**CONTENT, "sell_offs": moved})
    assert "Net purchases: −$23.9bn before, −$12.0bn now" in text_of(copied / MAY)


def test_a_release_that_no_build_saw_says_that_its_findings_are_todays_and_a_seen_one_is_frozen(copied: Path) -> None:
    assert "as they read in today’s figures" in text_of(copied / "releases/2024-06-18.html")
    assert "today’s" not in text_of(copied / "releases/2024-07-18.html")
    newer = {**CONTENT["releases"][0], "released": "2024-08-15", "sha256": "ef" * 32}
    built(copied, {**CONTENT, "releases": [*CONTENT["releases"], newer], "sell_offs": [], "rule_hits": []})
    then = text_of(copied / "releases/2024-07-18.html")
    assert "Japan's holdings fell" in then or "no longer stands" in then
    assert read_record(copied).releases["2024-07-18"]["basis"] == "then"


def in_browser(page: Path) -> str:
    """The page's document as Chromium holds it."""
    command = [str(BROWSER), "--headless=new", "--no-sandbox", "--dump-dom", page.as_uri()]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout


@needs_browser
@pytest.mark.parametrize("page", ["holders/japan.html", MAY])
def test_every_figure_read_back_in_the_browser_is_the_warehouses(
    site: Path, warehouse: duckdb.DuckDBPyConnection, page: str
) -> None:
    drawn = in_browser(site / page)
    known = {
        (row["holder_id"], str(row["month"].date())): row
        for row in warehouse.execute("FROM holder_months").df().to_dict("records")
    }
    compared = 0
    for cell in Reading(drawn).cells:
        row = known.get((cell.get("data-holder", ""), cell.get("data-month", "")))
        column = cell.get("data-column", "")
        if row is None or column not in row or "data-security" in cell or cell.get("data-table"):
            continue
        value = row[column]
        text = cell["text"].removesuffix("bn").replace("$", "").strip()
        compared += 1
        if value != value:
            assert (cell["data-usd-mn"], text) == ("", "n.a."), cell
            continue
        assert float(cell["data-usd-mn"]) == value, cell
        assert float(text.replace(",", "").replace("−", "-")) == pytest.approx(value / 1000, abs=0.0501), cell
    assert compared >= (7 if page == MAY else 30)


@needs_browser
def test_the_release_page_read_back_in_the_browser_states_first_prints_and_revisions(
    site: Path, warehouse: duckdb.DuckDBPyConnection
) -> None:
    known: dict[tuple[str, str], dict[str, float]] = {}
    for query in (
        "SELECT holder_id, month, first_print_usd_mn AS position_usd_mn FROM first_prints WHERE first_printed = $day",
        "SELECT holder_id, month, old_usd_mn, new_usd_mn, difference_usd_mn FROM revisions WHERE released = $day",
    ):
        for row in warehouse.execute(query, {"day": "2024-07-18"}).df().to_dict("records"):
            known.setdefault((row["holder_id"], str(row["month"].date())), {}).update(row)
    compared = []
    for cell in Reading(in_browser(site / "releases/2024-07-18.html")).cells:
        value = known[cell["data-holder"], cell["data-month"]].get(cell["data-column"])
        if value is not None:
            assert float(cell["data-usd-mn"]) == value, cell
            assert float(cell["text"].replace(",", "").replace("−", "-")) == round(value / 1000, 1), cell
            compared.append(cell["data-column"])
    revised = ["difference_usd_mn", "new_usd_mn", "old_usd_mn"]
    assert sorted(compared) == sorted(["position_usd_mn", *revised, *revised])


@needs_browser
def test_the_data_page_read_back_in_the_browser_counts_the_rows_of_every_table(
    site: Path, warehouse: duckdb.DuckDBPyConnection
) -> None:
    drawn = in_browser(site / "data/index.html")
    told = re.findall(r'<th scope="row"><code>(\w+)</code></th>\s*<td class="figure">([\d,]+)</td>', drawn)
    assert len(told) > 40
    for table, rows in told:
        assert [(int(rows.replace(",", "")),)] == warehouse.execute(f"SELECT count(*) FROM {table}").fetchall(), table


def test_the_record_is_plain_json_that_a_reader_can_use(site: Path) -> None:
    kept = json.loads((site / "site-record.json").read_text(encoding="utf-8"))
    assert kept["findings"][MAY]["first"]["verdict"] == "sold"
    assert set(kept) == {"files", "drawings", "findings", "releases"}


def test_each_table_of_the_methodology_is_a_region_of_its_own_name() -> None:
    table = "| a | b |\n|---|---|\n| 1 | 2 |\n"
    document = f"# Title\n\n## Scores\n\n{table}\nThen\n\n{table}\n## Rest\n\n{table}"
    named = re.findall(r'role="region" aria-label="([^"]*)"', rendered(document)[0])
    assert named == ["Table: Scores", "Table 2: Scores", "Table: Rest"]


def test_what_the_newest_release_does_not_name_is_listed_with_places_and_sums_apart(tmp_path: Path) -> None:
    old = {"month": "2024-03-01", "position_usd_mn": 50_000.0, "source": "slt_table3", "basis": "slt"}
    content = {
        **CONTENT,
        "holder_months": [*CONTENT["holder_months"], {**old, "holder_id": "norway", "holder": "Norway"}],
        "aggregate_months": [
            *CONTENT["aggregate_months"],
            {**old, "holder_id": "euro_area", "holder": "Euro Area", "kind": "memo"},
        ],
    }
    built(tmp_path / "site", content)
    _, _, earlier = text_of(tmp_path / "site/holders/index.html").partition("Not in the newest release")
    places, _, sums = earlier.partition("Totals, groups and sectors")
    assert ("Norway" in places, "Euro Area" in places) == (True, False)
    assert ("Norway" in sums, "Euro Area" in sums) == (False, True)
