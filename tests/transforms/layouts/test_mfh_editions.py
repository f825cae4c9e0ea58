"""Older editions of the tables of major holders: other heads, other names, each figure on its own survey basis."""

import re
from collections import Counter
from collections.abc import Sequence
from datetime import date

import pytest

from tests.transforms.tic import MONTHS, OFFICIAL, by_holder, official, refusal, source
from treasury_watch.transforms.layouts import parse, recognised

NAMES = [
    "China, Mainland",
    "Japan",
    "Carib Bnkng Ctrs 4/",
    "Oil Exporters 3/",
    "United Kingdom 2/",
    "Russia",
    "Korea, South",
]
HOLDERS = [
    "china_mainland", "japan", "caribbean_banking_centers", "oil_exporters", "united_kingdom", "russia", "korea_south",
]  # fmt: skip
END = ["Grand Total", "Of which:", " For. Official", "  Treasury Bills", "  T-Bonds & Notes"]


def rows_of(columns: int, names: Sequence[str] = NAMES) -> list[list[str]]:
    """A row for each name with figures that no two cells share, as that of the grand total is."""
    rows = []
    for number, name in enumerate([*names, *END], start=1):
        first = 4000 + number if name == "Grand Total" else 100 * number
        rows.append([name, *(f"{first + column}.{number % 10}" for column in range(columns))])
    return [row[:1] if row[0] == "Of which:" else row for row in rows]


def edition(
    head: Sequence[Sequence[str]],
    rows: Sequence[Sequence[str]],
    dated: str,
    *,
    width: int = 8,
    delimiter: str = "",
) -> bytes:
    """A table in fixed width, or with a delimiter. `head` are the rows above the figures, the label's cell first."""

    def line(cells: Sequence[str]) -> str:
        if delimiter:
            return delimiter.join(f'"{cell}"' if "," in cell else cell for cell in cells)
        return f"{cells[0]:28}" + "".join(f"{cell:>{width}}" for cell in cells[1:])

    columns = max(len(row) for row in head) - 1
    lines = [
        " " * 20 + "MAJOR FOREIGN HOLDERS OF TREASURY SECURITIES",
        " " * 28 + "(in billions of dollars)",
        " " * 25 + "HOLDINGS 1/ AT END OF PERIOD",
        "",
        *map(line, head),
        line(["", *["------"] * columns]),
        "",
        *map(line, rows),
        "",
        "Department of the Treasury/Federal Reserve Board",
        dated,
        "",
        "1/  Estimated foreign holdings.  5/  Denotes a series break in June 2010.",
    ]
    return "\n".join(lines).encode() + b"\n"


def names_and_years(first: str, count: int) -> tuple[list[str], list[str]]:
    """The months backwards from `first`, as the rows of a head."""
    year, month = map(int, first.split("-"))
    numbers = [year * 12 + month - 1 - back for back in range(count)]
    return [MONTHS[::-1][number % 12] for number in numbers], [str(number // 12) for number in numbers]


def head_of(first: str, count: int) -> list[list[str]]:
    names, years = names_and_years(first, count)
    return [["", *names], ["Country", *years]]


def read(body: bytes, name: str = "mfh"):
    assert recognised(body) == name
    return by_holder(parse(body, source(name)))


def test_groups_and_holders_of_other_tables_are_read_with_their_footnote_marks():
    figures = read(edition(head_of("2009-04", 7), rows_of(7), "June 15, 2009"))
    expected = {
        (holder, "2009-04", "total_position", "IX"): (100 * number) * 1000 + number * 100
        for number, holder in enumerate(HOLDERS, start=1)
    }
    assert {key: value for key, value in figures.items() if key[0] in HOLDERS and key[1] == "2009-04"} == expected
    assert figures["foreign_official", "2008-10", "short_term_position", "IX"] == 1106100


BREAK = [["", "Jul", "Jun", "Jun", "May"], ["Country", "2008", "2008", "2008", "2008"]]
NAMED = [["", "", "Series 5/", "Series", ""], ["", "", "IX", "VIII", ""]]
MARKED = [["", "Jul", "Jun 5/", "Jun", "May"], BREAK[1]]


@pytest.mark.parametrize(
    "head", [BREAK, NAMED + BREAK, MARKED], ids=["months alone", "series named", "a footnote's mark"]
)
@pytest.mark.parametrize("delimiter", ["", "\t"], ids=["fixed width", "tabs"])
def test_a_month_stated_twice_stands_on_both_survey_bases(head, delimiter):
    figures = read(edition(head, rows_of(4), "April 15, 2009", delimiter=delimiter, width=10))
    japan = {(month, series): value for (holder, month, _, series), value in figures.items() if holder == "japan"}
    assert japan == {
        ("2008-07", "IX"): 200200, ("2008-06", "IX"): 201200, ("2008-06", "VIII"): 202200, ("2008-05", "VIII"): 203200,
    }  # fmt: skip


def test_a_release_from_before_a_survey_came_out_states_its_months_on_the_older_basis():
    head, rows = head_of("2010-07", 4), rows_of(4)
    bases = {}
    for dated in ("September 16, 2010", "March 15, 2011"):
        figures = read(edition(head, rows, dated))
        bases[dated] = [series for holder, _, _, series in figures if holder == "japan"]
    assert bases == {"September 16, 2010": ["X"] * 4, "March 15, 2011": ["XI", "XI", "X", "X"]}


@pytest.mark.parametrize(
    ("first", "dated", "series"),
    [
        ("2002-10", "December 31, 2002", "III"), ("2005-01", "March 15, 2005", "V"), ("2012-01", "March 15, 2012", "XIII"),
        ("2019-02", "April 15, 2019", "XIII"),
    ],
)  # fmt: skip
def test_the_newest_months_are_of_the_survey_of_their_time(first, dated, series):
    assert read(edition(head_of(first, 4), rows_of(4), dated))["japan", first, "total_position", series] == 200200


NAMES_7, YEARS_7 = names_and_years("2014-02", 7)
HEADS = {
    "years above months": [["", *YEARS_7], ["Country", *NAMES_7]],
    "three rows": [["", *NAMES_7], ["", *YEARS_7], ["Country"]],
    "a year where it changes": [["", "2014", "", "2013", "", "", "", ""], ["Country", *NAMES_7]],
    "month and year in one cell": [["Country", *(f"{n} {y}" for n, y in zip(NAMES_7, YEARS_7, strict=True))]],
    "month and two digits of the year": [["Country", *(f"{n}-{y[2:]}" for n, y in zip(NAMES_7, YEARS_7, strict=True))]],
    "ISO months": [["Country", "2014-02", "2014-01", "2013-12", "2013-11", "2013-10", "2013-09", "2013-08"]],
    "whole names": [
        ["", "February", "January", "December", "November", "October", "September", "August"], ["Country", *YEARS_7],
    ],
    "footnotes": [["", "Feb 6/", *NAMES_7[1:]], ["Country", *YEARS_7]],
}  # fmt: skip


@pytest.mark.parametrize("delimiter", ["", "\t", ","], ids=["fixed width", "tabs", "commas"])
@pytest.mark.parametrize("dress", HEADS)
def test_every_dress_of_the_head_reads_the_same(dress, delimiter):
    plain = read(edition(head_of("2014-02", 7), rows_of(7), "April 15, 2014"))
    assert read(edition(HEADS[dress], rows_of(7), "April 15, 2014", delimiter=delimiter, width=11)) == plain
    assert plain["japan", "2013-08", "total_position", "XIII"] == 206200


def test_cells_that_state_no_figure_are_missing_and_less_than_half_of_the_last_digit_is_nought():
    rows = rows_of(3)
    rows[1] = ["Japan", "--", "*", "n.a."]
    figures = read(edition(head_of("2014-02", 3), rows, "April 15, 2014"))
    assert [figures["japan", f"2014-0{m}", "total_position", "XIII"] for m in (2, 1)] == [None, 0.0]
    assert figures["japan", "2013-12", "total_position", "XIII"] is None


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"HOLDERS OF TREASURY", b"HOLDERS OF U.S. TREASURY"), (b"(in billions of dollars)", b"(In Billions of Dollars)"),
        (b"Of which:", b"Of Which"), (b"\n", b"\r\n"), (b"Country", b"COUNTRY"),
        (b"Oil Exporters 3/", b"Oil Exporters 4/"), (b"Russia   ", b"Russia 6/"),
        (b"Grand Total   ", b"Grand Total 6/"), (b"Reserve Board\nApril", b"Reserve Board   April"),
    ],
)  # fmt: skip
def test_small_differences_of_an_edition_change_nothing(old, new):
    body = edition(head_of("2014-02", 3), rows_of(3), "April 15, 2014")
    assert old in body
    assert read(body.replace(old, new)) == read(body)


def test_a_head_that_stands_beside_its_figures_is_read_by_the_figures_places():
    body = edition(head_of("2014-02", 3), rows_of(3), "April 15, 2014")
    shifted = body.replace(b"     Feb     Jan     Dec", b"   Feb     Jan     Dec  ").replace(
        b"    2014    2014    2013", b"  2014    2014    2013  "
    )
    assert shifted != body
    assert read(shifted) == read(body)
    lost = shifted.replace(b"200.2   201.2", b"20.2   201.2")
    assert refusal("mfh", lost).place == "line 10, column 2014-02"


def test_a_table_with_a_block_for_each_year_is_the_history_in_fixed_width_too():
    first = edition(head_of("2009-12", 12), rows_of(12), "").split(b"\nDepartment")[0]
    second = edition(head_of("2008-12", 12), rows_of(12), "May 17, 2010").split(b"PERIOD\n")[1]
    figures = read(first + b"\n\n" + second, "mfhhis01")
    assert len(figures) == 2 * 12 * 11
    assert figures["oil_exporters", "2009-06", "total_position", "X"] == 406400
    assert figures["oil_exporters", "2009-05", "total_position", "IX"] == 407400
    assert figures["china_mainland", "2008-01", "total_position", "VIII"] == 111100


def test_an_older_history_begins_with_the_series_of_its_time():
    head = [["", "", "", "", "", "", "", "Series 5/", "Series", *[""] * 5], ["", *[""] * 6, "IX", "VIII", *[""] * 5]]
    months = ["Dec", "Nov", "Oct", "Sep", "Aug", "Jul", "Jun", "Jun", "May", "Apr", "Mar", "Feb", "Jan"]
    body = edition([*head, ["", *months], ["Country", *["2008"] * 13]], rows_of(13), "5/15/2009", delimiter="\t")
    figures = read(body, "mfhhis01")
    june = {
        series: value
        for (holder, month, _, series), value in figures.items()
        if (holder, month) == ("japan", "2008-06")
    }
    assert june == {"IX": 206200, "VIII": 207200}


def test_a_break_named_where_none_is_declared_is_refused():
    body = edition(
        [["", "", "Series 5/", "Series"], ["", "", "IX", "VIII"], *head_of("2008-05", 3)], rows_of(3), "July 15, 2008"
    )
    error = refusal("mfh", body)
    assert (error.place, error.expected) == ("line 8, series above", "no break")


# ------------------------------------------------------------------------------------------------- official figures

OLDER = sorted((OFFICIAL / "older").glob("mfh_top_rows_*.txt")) if OFFICIAL.is_dir() else []
NAMED_HOLDERS = {
    "Carib Bnkng Ctrs 4/": "caribbean_banking_centers",
    "Oil Exporters 3/": "oil_exporters",
    "Korea": "korea_south",
}


def in_layout_of_the_last_edition(top_rows: list[str], dated: date) -> bytes:
    """The rows in the layout of mfh.txt: its title, its columns of 8 characters from the 40th, its end and its notes."""
    lines = (OFFICIAL / "mfh.txt").read_bytes().decode("latin-1").split("\r\n")
    names, years = (part.split() for part in top_rows[0].split("|"))
    rows = [line.rsplit(" ", len(names)) for line in top_rows[1:]]
    total = [["All Other", *["9.9"] * len(names)], ["Grand Total", *["5000.0"] * len(names)]]
    dashes = next(number for number, line in enumerate(lines) if line.strip().startswith("------"))
    end = next(number for number, line in enumerate(lines) if line.startswith("Department"))
    return "\r\n".join(
        [
            *lines[: dashes - 2],
            " " * 30 + "".join(f"{name:>8}" for name in names),
            f"{'Country':30}" + "".join(f"{year:>8}" for year in years),
            lines[dashes],
            "",
            *(f"{row[0]:30}" + "".join(f"{cell:>8}" for cell in row[1:]) for row in [*rows, *total]),
            "",
            lines[end],
            f"{dated:%B} {dated.day}, {dated.year}",
            *lines[end + 2 :],
        ]
    ).encode("latin-1")


@official
@pytest.mark.parametrize("path", OLDER, ids=lambda path: path.stem)
def test_an_older_official_table_in_the_layout_of_the_last_edition_reads_figure_by_figure(path):
    lines = path.read_text().splitlines()
    dated = date.fromisoformat(path.stem[-10:])
    parsed = parse(in_layout_of_the_last_edition(lines, dated), source("mfh"))
    assert parsed.dated == dated
    figures = by_holder(parsed)
    # Read another way: every figure of the source rows by its place in the line, months counted back from the newest.
    newest = dated.year * 12 + dated.month - 1 - 2
    count = 0
    for line in lines[1:]:
        label, stated = re.fullmatch(r"(.+?)((?: \d+\.\d)+)", line).groups()
        holder = NAMED_HOLDERS.get(label, re.sub(r"\W+", "_", re.sub(r" \d/$", "", label)).lower())
        for back, figure in enumerate(re.findall(r"\d+\.\d", stated)):
            year, month = divmod(newest - back, 12)
            assert (
                figures[holder, f"{year}-{month + 1:02}", "total_position", "XIII"]
                == int(figure.replace(".", "")) * 100
            )
            count += 1
    assert count == 19 * 13
    assert len(figures) == 21 * 13


@official
def test_the_table_5_of_september_2026_reads_figure_by_figure():
    body = (OFFICIAL / "newer" / "slt_table5_2026-09-16.txt").read_bytes()
    figures = read(body, "slt_table5")
    text = body.decode()
    months = re.findall(r"\d{4}-\d\d", text[text.index("Country") : text.index("Japan")])
    stated = {
        (label, month): int(figure.replace(".", "")) * 100
        for label, cells in re.findall(r"^([A-Z][^\t\n]+)\t(\d[\d.\t]+)$", text, re.MULTILINE)
        for month, figure in zip(months, cells.split("\t"), strict=True)
    }
    assert (len(stated), len(figures), months[0]) == (25 * 13, 25 * 13, "2026-07")
    assert sorted(stated.values()) == sorted(figures.values())
    assert figures["bermuda", "2026-07", "total_position", "XIII"] == stated["Bermuda", "2026-07"] == 109100
    assert not [holder for holder, *_ in figures if holder == "israel"]


@official
def test_the_history_of_september_2026_reads_figure_by_figure():
    body = (OFFICIAL / "newer" / "mfhhis01_2026-09-16.txt").read_bytes()
    parsed = parse(body, source("mfhhis01"))
    assert (recognised(body), parsed.dated) == ("mfhhis01", date(2026, 9, 16))
    stated: Counter = Counter()
    names: list[str] = []
    years: list[str] = []
    for line in body.decode().split("Department of the Treasury")[0].splitlines():
        label, *cells = line.split("\t")
        if "Oct" in cells:
            names = cells
        elif label == "Country":
            years = cells
        elif years and label and any(cell.strip() for cell in cells):
            for name, year, cell in zip(names, years, cells, strict=True):
                if name:
                    month = f"{year}-{MONTHS[::-1].index(name) + 1:02}"
                    value = {"*": 0.0, "n.a.": None}.get(cell.strip()) if not cell.strip()[0].isdigit() else float(cell)
                    stated[" ".join(label.strip('"').split()), month, value] += 1
    table = parsed.table
    read_here = Counter(
        (" ".join(label.split()), f"{month:%Y-%m}", None if value != value else value / 1000)
        for label, month, value in zip(table["label"], table["month"], table["value_usd_mn"], strict=True)
    )
    assert read_here == stated
    assert sum(stated.values()) == 12718
