"""Press releases: every print with its number and day, bills with their parts, or the file is refused with the line."""

from __future__ import annotations

import csv
from collections import defaultdict
from datetime import date

import pytest

from tests.sample.make_press_releases import COLLECTED, FIGURES, rows_of, written
from tests.transforms.tic import DECLARATIONS, PROJECT
from treasury_watch.transforms import layouts
from treasury_watch.transforms.errors import LayoutError
from treasury_watch.transforms.layouts.cited.press_releases import HEADER, MEASURES

SOURCE = DECLARATIONS.source("tic_press_releases")
HEAD = ",".join(HEADER) + "\n"
NOVEMBER = "2026-01-15,SB0365,,2025-11,52.4,33.2,0.4,1.0,-0.6\n"
FIRST = "2004-05-17,JS1558,,2003-12,18.4,11.3,,,\n"
MOVED = "2007-04-16,HP353,2021-04-07,2007-02,14.5,2.5,5.3,4.8,0.4\n"
TABLES = PROJECT.parent / "shared" / "official" / "tables"


def parsed(text: str):
    return layouts.parse(text.encode(), SOURCE)


def test_a_print_is_read_in_usd_millions_under_its_number_and_day():
    found = parsed(HEAD + NOVEMBER)
    assert found.dated == date(2026, 1, 15)
    assert {row["measure"]: row["value_usd_mn"] for row in found.table.to_dict("records")} == {
        "net_long_term_private": 52_400,
        "net_long_term_official": 33_200,
        "net_short_term": 400,
        "net_short_term_private": 1_000,
        "net_short_term_official": -600,
    }
    assert set(found.table["press_release"]) == {"SB0365"}
    assert set(found.table["line"]) == {2}


def test_bills_that_were_not_printed_are_no_figures():
    assert list(parsed(HEAD + FIRST).table["measure"]) == MEASURES[:2]


def test_the_day_of_a_moved_page_stands_beside_the_day_of_release():
    row = parsed(HEAD + MOVED).table.iloc[0]
    assert (row["released"], row["page_day"]) == (date(2007, 4, 16), "2021-04-07")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("2026-01-15", "2025-11-29", "line 2, column released: expected a day after the month's end, found 2025-11-29"),
        ("2026-01-15", "soon", "line 2, column released: expected a day such as 2026-01-15, found soon"),
        ("SB0365", "", "line 2, column press_release: expected a number such as SB0365, found nothing"),
        ("33.2", "33.25", "column net_long_term_official_usd_bn: expected at most 1 decimals, found 33.25"),
        ("33.2", "33200", "expected at most 1,000 billion in a month, found 33200"),
        ("33.2", "", "column net_long_term_official_usd_bn: expected a figure or n.a., found nothing"),
        ("-0.6", "-9.6", r"column net_short_term_usd_bn: expected -8\.6, the sum of its two parts, found 0\.4"),
        ("1.0,-0.6", "1.0,", "line 2: expected bills, their private and their official part, found one without"),
        (",-0.6", "", "line 2: expected 9 cells, found 8"),
    ],
)
def test_a_line_that_no_press_release_prints_is_refused(old, new, message):
    with pytest.raises(LayoutError, match=message):
        parsed(HEAD + NOVEMBER.replace(old, new))


def test_one_number_has_one_day_and_each_month_once():
    with pytest.raises(LayoutError, match="line 3, column released: expected 2026-01-15, the day of SB0365 above"):
        parsed(HEAD + NOVEMBER + NOVEMBER.replace("2026-01-15", "2026-01-16").replace("2025-11", "2025-10"))
    with pytest.raises(LayoutError, match="line 3: expected each press release and month once, found SB0365 2025-11"):
        parsed(HEAD + NOVEMBER + NOVEMBER)


def collected_table(path, *lines):
    path.write_text(",".join(COLLECTED) + "\n" + "".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def test_a_page_far_off_the_list_of_releases_is_dated_by_the_list(tmp_path):
    collected = collected_table(
        tmp_path / "pages.csv",
        "2021-04-07,HP353,2007-02,14.5,2.5,,,",
        "2009-07-15,TG216,2009-05,1.0,2.0,,,",
        "2009-07-20,A-PAGE-WITHOUT-A-NUMBER,2009-05,1.0,2.0,,,",
    )
    (tmp_path / "list.csv").write_text("covers,released\n2007-02,2007-04-16\n2009-05,2009-07-16\n", encoding="utf-8")
    assert written(collected, tmp_path / "list.csv", tmp_path / "out.csv") == 2
    kept = [(row["released"], row["press_release"], row["page_day"]) for row in rows_of(tmp_path / "out.csv")]
    assert kept == [("2007-04-16", "HP353", "2021-04-07"), ("2009-07-15", "TG216", "")]


def test_a_page_without_a_number_is_left_out_only_where_it_repeats_a_press_release(tmp_path):
    collected = collected_table(tmp_path / "pages.csv", "2018-06-25,NO-NUMBER,2016-12,-40.4,18.6,,,")
    (tmp_path / "list.csv").write_text("covers,released\n", encoding="utf-8")
    with pytest.raises(
        ValueError, match="NO-NUMBER of 2018-06-25 has no number, and figures that no press release has"
    ):
        written(collected, tmp_path / "list.csv", tmp_path / "out.csv")


@pytest.mark.official
@pytest.mark.skipif(not TABLES.is_dir(), reason="the official tables are not beside the project")
def test_the_shipped_table_has_every_figure_of_the_collected_one(tmp_path):
    out = tmp_path / "made.csv"
    assert written(TABLES / "tic_press_releases.csv", TABLES / "tic_release_archive.csv", out) == 920
    assert out.read_bytes() == (PROJECT / "config" / "tic_press_releases.csv").read_bytes()
    read = defaultdict(dict)
    for row in parsed(out.read_text(encoding="utf-8")).table.to_dict("records"):
        read[row["press_release"], f"{row['month']:%Y-%m}"][f"{row['measure']}_usd_bn"] = row["value_usd_mn"]
    with (TABLES / "tic_press_releases.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if not row["number"].startswith("TREASURY"):
                stated = {COLLECTED[k]: round(float(v) * 1000) for k, v in row.items() if COLLECTED[k] in FIGURES and v}
                assert read[row["number"], row["month"]] == stated
