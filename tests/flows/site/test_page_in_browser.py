"""The page as Chromium draws it: every number, the tip of a chart, sorting, a phone's width."""

import json
import re
import subprocess
from html import unescape
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.flows.site.page_data import (
    BROWSER,
    HOSTILE,
    PARTS,
    Reading,
    needs_browser,
)


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


@needs_browser
def test_a_hostile_holder_name_runs_nothing_in_a_browser(in_browser: str) -> None:
    assert sum(tag == "script" for tag, _ in Reading(in_browser).tags) == 1
