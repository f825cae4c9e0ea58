"""Small files in the layouts of the TIC system, and what a right reading of them finds."""

from __future__ import annotations

import csv
import html
import io
import zipfile
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

import pandas as pd
import pytest

from treasury_watch.transforms import layouts
from treasury_watch.transforms.errors import LayoutError
from treasury_watch.transforms.holders import identified
from treasury_watch.transforms.model import Parsed, Source
from treasury_watch.warehouse.declarations import Declarations

PROJECT = Path(__file__).resolve().parents[2]
OFFICIAL = PROJECT / ".." / "shared" / "official" / "tic"
FILES = {
    "slt_table1": "slt_table1.txt",
    "slt_table3": "slt_table3.txt",
    "slt_table5": "slt_table5.txt",
    "mfhhis01": "mfhhis01.txt",
    "slt3d_globl": "slt3d_globl.csv",
    "s1_globl": "s1_globl.txt",
    "mfh": "mfh.txt",
}
DECLARATIONS = Declarations(PROJECT / "config")

# (holder or label, month, measure, series) -> USD millions, None for n.a.
Reading = dict[tuple[str, str, str, str], float | None]


def official(test):
    """Marks a test that reads the complete official files."""
    return pytest.mark.official(
        pytest.mark.skipif(not OFFICIAL.is_dir(), reason="the official files are not here")(test)
    )


@cache
def official_body(name: str) -> bytes:
    return (OFFICIAL / FILES[name]).read_bytes()


def source(name: str) -> Source:
    return DECLARATIONS.source(name)


def reading(table: pd.DataFrame, by: str = "label") -> Reading:
    """The table's figures by label (or holder_id), month, measure and series."""
    found: Reading = {}
    for row in table.itertuples(index=False):
        key = (" ".join(getattr(row, by).split()), f"{row.month:%Y-%m}", row.measure, row.series)
        assert key not in found, f"{key} twice"
        found[key] = None if pd.isna(row.value_usd_mn) else row.value_usd_mn
    return found


def by_holder(parsed: Parsed) -> Reading:
    """The figures with the holders identified."""
    return reading(identified(parsed.table, parsed.layout, DECLARATIONS.holder_labels), "holder_id")


def refusal(name: str, body: bytes) -> LayoutError:
    """The error with which the layout refuses `body`: in one line, and naming source, place, expected and found."""
    with pytest.raises(LayoutError) as caught:
        layouts.parse(body, source(name))
    error = caught.value
    assert error.source == name
    assert "\n" not in str(error)
    assert all(part and " ".join(part.split()) in str(error) for part in (error.place, error.expected, error.next_step))
    return error


def assert_every_cut_is_refused_or_whole(name: str) -> None:
    """Cut the layout's small file at every byte: a cut is refused unless it took nothing but line ends and notes."""
    body = BODIES[name]
    whole = layouts.parse(body, source(name))
    figures = reading(whole.table)
    accepted = 0
    for length in range(len(body)):
        try:
            parsed = layouts.parse(body[:length], source(name))
        except LayoutError:
            continue
        accepted += 1
        assert (reading(parsed.table), parsed.dated) == (figures, whole.dated), f"cut after {length} bytes"
    assert 0 < accepted < len(body) / 5


def tabbed(rows: Iterable[Sequence[str]], end: str = "\r\n") -> bytes:
    return "".join("\t".join(row) + end for row in rows).encode()


def cells_of(body: bytes) -> list[list[str]]:
    """The rows of tab-separated text."""
    return list(csv.reader(io.StringIO(body.decode(), newline=""), delimiter="\t"))


def as_csv(body: bytes) -> bytes:
    """Tab-separated text, separated by commas."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows(cells_of(body))
    return text.getvalue().encode()


def as_html(body: bytes, *, one_line: bool = False) -> bytes:
    """Tab-separated text as the release archive has it in HTML: a table, each cell on a line of its own."""
    rows = cells_of(body)
    width = max(map(len, rows))
    lines = ['<table border="1" class="dataframe">', "  <thead>"]
    for number, row in enumerate(rows):
        name = "td" if number else "th"
        cells = [f"      <{name}>{html.escape(cell)}</{name}>" for cell in [*row, *[""] * (width - len(row))]]
        lines += ["    <tr>", *cells, "    </tr>", *(["  </thead>", "  <tbody>"] if not number else [])]
    return ("" if one_line else "\r\n").join([*lines, "  </tbody>", "</table>", ""]).encode()


def zipped(**files: bytes) -> bytes:
    """A zip archive with a file for each name, `__` standing for a point."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in files.items():
            archive.writestr(name.replace("__", "."), body)
    return buffer.getvalue()


TABLE3_COLUMNS = [
    "country", "country_code", "date", "for_treas_pos", "for_treas_net", "for_lt_treas_pos", "for_lt_treas_net",
    "for_lt_treas_valchg", "for_st_treas_pos", "for_st_treas_net",
]  # fmt: skip
TABLE3_MEASURES = [
    "total_position", "total_net", "long_term_position", "long_term_net", "long_term_valuation",
    "short_term_position", "short_term_net",
]  # fmt: skip
TABLE3_ROWS = [
    line.split("|")
    for line in """\
Poland|15768|2023-03|n.a.|n.a.|37767|-207|884|n.a.|n.a.
Poland|15768|2023-02|n.a.|n.a.|37142|1123|-761|n.a.|n.a.
Poland|15768|2023-01|n.a.|n.a.|36689|n.a.|n.a.|n.a.|n.a.
Japan|42609|2023-03|1086642|-18660|1021979|-16470|21569|64663|-2190
Japan|42609|2023-02|1080683|-1646|1013830|4458|-15677|66853|-6104
Japan|42609|2023-01|1102923|n.a.|1029966|n.a.|n.a.|72957|-7226
France|10804|2023-03|173889|6487|155276|6575|391|18614|-88
France|10804|2023-02|171174|-7861|152472|-12238|565|18702|4377
France|10804|2023-01|178403|n.a.|164078|n.a.|n.a.|14325|-686
Grand Total|99996|2023-03|7468642|91709|6506021|94873|123457|962621|-3164
Grand Total|99996|2023-02|7254900|76633|6289115|51089|-108122|965785|25544
Grand Total|99996|2023-01|7305083|n.a.|6364842|n.a.|n.a.|940241|-9747
Of Which: Foreign Non-Official|99991|2023-03|3698735|91160|2988385|89656|52075|710350|1504
Of Which: Foreign Non-Official|99991|2023-02|3562233|21882|2853387|3680|-53515|708846|18202
Of Which: Foreign Non-Official|99991|2023-01|3601235|n.a.|2910591|n.a.|n.a.|690644|n.a.""".splitlines()
]
NOTES = [[""], ["Notes:"], ["1/ A note, with 12,345 in it."], [""], ["Column definitions:"]]


def table3(
    rows: Sequence[Sequence[str]] = TABLE3_ROWS,
    *,
    columns: Sequence[str] = TABLE3_COLUMNS,
    unit: str = "Millions of dollars",
    notes: Sequence[Sequence[str]] = NOTES,
    end: str = "\r\n",
) -> bytes:
    """A Table 3. `rows` have the cells in TABLE3_COLUMNS' order; `columns` is the order in which they are written."""
    head = [
        ["Table 3: U.S. Treasury Securities Held by Foreign Residents 1/"],
        [unit],
        [""],
        ["Country", "Country Code", "Date", "Holdings", "Net U.S. Sales"],
        list(columns),
    ]
    order = [TABLE3_COLUMNS.index(name) for name in columns]
    return tabbed([*head, *([row[index] for index in order] for row in rows), *notes], end)


TABLE5_MONTHS = ["2026-04", "2026-03", "2026-02"]
TABLE5_ROWS = [
    ["Japan", "1209.9", "1191.6", "1239.3"],
    ["China, Mainland", "651.1", "652.3", "693.3"],
    ["All Other", "1854.2", "1831.4", "1856.4"],
    ["Grand Total", "9352.6", "9348.7", "9487.1"],
    ["Of Which: Foreign Official", "3906.5", "3902.2", "4010.9"],
    ["Of Which: Foreign Official Treasury Bills", "457.3", "441.0", "453.1"],
    ["Of Which: Foreign Official T-Bonds & Notes", "3449.2", "3461.2", "3557.7"],
]


def table5(
    rows: Sequence[Sequence[str]] = TABLE5_ROWS,
    *,
    months: Sequence[str] = TABLE5_MONTHS,
    unit: str = "Billions of dollars",
    notes: Sequence[Sequence[str]] = NOTES[:3],
    end: str = "\r\n",
) -> bytes:
    """A Table 5."""
    head = [["Table 5: Major Foreign Holders of Treasury Securities"], [unit], [""], ["Country", *months]]
    return tabbed([*head, *rows, *notes], end)


MONTHS = ["Dec", "Nov", "Oct", "Sep", "Aug", "Jul", "Jun", "May", "Apr", "Mar", "Feb", "Jan"]
BREAK_MONTHS = [*MONTHS[:7], *MONTHS[6:]]  # June twice
# Above the months, by column: what 2011 and 2010 print, and the series of each column.
BREAKS = {
    "2011": (
        ["Series 17/", "Series", "", "", "", "", "Series 16/", "Series"],
        [" XIII", " XII", "", "", "", "", " XII", " XI"],
        ["XIII"] + ["XII"] * 6 + ["XI"] * 6,
    ),
    "2010": (["", "", "", "", "", "", "Series 15/", "Series"], [""] * 6 + [" XI", " X"], ["XI"] * 7 + ["X"] * 6),
}


def history_block(year: str, rows: Sequence[Sequence[str]]) -> list[list[str]]:
    """The lines of a year in `mfhhis01`, 13 columns wide where the year is in BREAKS."""
    width = 13
    months = BREAK_MONTHS if year in BREAKS else MONTHS
    head = [["", *cells] for cells in BREAKS[year][:2]] if year in BREAKS else []
    lines = [
        *head,
        ["", *months],
        ["Country", *[year] * len(months)],
        ["", *["------"] * len(months)],
        *rows,
        [""],
        [""],
    ]
    return [line + [""] * (width + 1 - len(line)) for line in lines]


def history_years(first: float, step: float, count: int) -> list[str]:
    """`count` figures in billions with one decimal, from `first` in steps of `step`."""
    return [f"{first + step * index:.1f}" for index in range(count)]


HISTORY = {
    "2012": [
        ['"China, Mainland"', *history_years(1220.4, -1.3, 12)],
        ["Grand Total", *history_years(5573.8, -10.7, 12)],
        ["Of which:"],
        ["  For. Official", *history_years(4032.8, -5.1, 12)],
    ],
    "2011": [
        ['"China, Mainland"', *history_years(1151.9, 7.7, 13)],
        ["United Kingdom 2/", *history_years(114.3, 12.3, 13)],
        ["Grand Total", *history_years(5004.4, -8.2, 13)],
        ["    Treasury Bills", *history_years(357.2, 5.5, 13)],
    ],
    "2010": [
        ['"China, Mainland"', "1160.1", "1164.1", "1175.3", "1151.9", "1136.8", "1115.1", "1112.1", "843.7", "867.7",
         "900.2", "895.2", "877.5", "889.0"],
        ["Luxembourg", *["n.a."] * 13],
        ["Grand Total", *history_years(4415.8, -30.1, 13)],
    ],
}  # fmt: skip


def history(
    blocks: dict[str, Sequence[Sequence[str]]] = HISTORY,
    *,
    unit: str = "(in billions of dollars)",
    dated: Sequence[Sequence[str]] = (["5/18/2026"],),
    notes: Sequence[Sequence[str]] = (['"(2012 revised May 18, 2026)"'], [""], ["*     Less than $50 million."]),
    end: str = "\r\n",
) -> bytes:
    """An `mfhhis01`: a title, year blocks, the release date, notes."""
    lines = [
        ["", "", "MAJOR FOREIGN HOLDERS OF TREASURY SECURITIES"],
        ["", "", "", unit],
        ["", "", "", "HOLDINGS 1/"],
        [""],
    ]
    for year, rows in blocks.items():
        lines += history_block(year, rows)
    lines += [["Department of the Treasury/Federal Reserve Board"], *dated, *notes]
    return tabbed(lines, end)


MFH_MONTHS = [("Jan", "2023"), ("Dec", "2022"), ("Nov", "2022")]
MFH_ROWS = [
    ["Japan", "1104.4", "1076.3", "1082.3"],
    *[
        [name, f"{value}.8", f"{value - 2}.7", f"{value + 1}.2"]
        for name, value in zip(
            ["China, Mainland", "United Kingdom", "Belgium", "Luxembourg", "Switzerland", "Cayman Islands", "Canada",
             "Ireland", "Taiwan", "India", "Hong Kong", "Brazil", "Singapore", "France", "Korea"],
            range(859, 100, -50),
            strict=False,
        )
    ],
    ["Grand Total", "7402.5", "7318.7", "7268.6"],
    ["Of which:"],
    [" For. Official", "3713.9", "3678.1", "3670.8"],
    ["  Treasury Bills", "249.6", "238.7", "217.2"],
    ["  T-Bonds & Notes", "3464.3", "3439.3", "3453.6"],
]  # fmt: skip


def mfh(
    rows: Sequence[Sequence[str]] = MFH_ROWS,
    *,
    months: Sequence[tuple[str, str]] = MFH_MONTHS,
    unit: str = "(in billions of dollars)",
    dated: str = "March 15, 2023",
    end: str = "\r\n",
) -> bytes:
    """A fixed-width table of major holders."""
    lines = [
        "",
        " " * 45 + "MAJOR FOREIGN HOLDERS OF TREASURY SECURITIES",
        " " * 55 + unit,
        "",
        " " * 29 + "".join(f"{name:>8}" for name, _ in months),
        f"{'Country':30}" + "".join(f"{year:>8}" for _, year in months),
        " " * 30 + "  ------" * len(months),
        "",
        *(f"{row[0]:30}" + "".join(f"{cell:>8}" for cell in row[1:]) for row in rows),
        "",
        "Department of the Treasury/Federal Reserve Board",
        dated,
        "",
        " 1/  A note of 2023 with 12,345 in it.",
    ]
    return "".join(line + end for line in lines).encode()


TABLE3D_ROWS = [
    line.split("|")
    for line in """\
Greece|11207|2023-01|n.a.|1,234|n.a.
Greece|11207|2022-12|n.a.|987|n.a.
Greece|11207|2022-11|n.a.|1,001|n.a.
China, Mainland|41408|2023-01|859,420|853,100|6,320
China, Mainland|41408|2022-12|867,062|860,000|7,062
Of which Foreign Official|99990|2023-01|3,713,938|3,464,321|249,617
Of which Foreign Official|99990|2022-12|3,678,100|3,439,300|238,800
Of which Foreign Official|99990|2022-11|3,670,800|3,453,600|217,200
Grand Total|99996|2023-01|7,402,462|6,446,402|956,060
Grand Total|99996|2022-12|7,318,692|6,370,000|948,692
Grand Total|99996|2022-11|7,268,600|6,300,000|968,600
Grand Total|99996|2022-10|7,133,100|6,200,000|933,100""".splitlines()
]


def quoted_csv(row: Sequence[str]) -> str:
    """As the publisher quotes: text and grouped figures, not codes and short figures."""
    return ",".join(cell if cell.isdigit() else f'"{cell}"' for cell in row)


def table3d(
    rows: Sequence[Sequence[str]] = TABLE3D_ROWS,
    *,
    headings: Sequence[str] = ("Total U.S.", "Long-term", "Short-term"),
    unit: str = "Millions of dollars",
    notes: Sequence[str] = ('""', '"Notes:"', '"1/ A note of holdings","12,345 and more"', '""'),
    end: str = "\r\n",
) -> bytes:
    """A Table 3D; the unit is cut into two cells as in the official file."""
    lines = [
        '""',
        '"",""',
        '"TABLE 3D:  U.S",". Treasury Secu","rities Held by","Foreign Residen","ts 1/"',
        f'"","{unit[:6]}","{unit[6:]}"',
        '""',
        quoted_csv(["", "", "", *headings]),
        '"","","","Treasury  U.S",". Treasury  U.S",". Treasury"',
        '"","","","Securities","Securities","Securities"',
        '""',
        '"","","","----------","----------","----------"',
        '""',
        *(quoted_csv(row) for row in rows),
        *notes,
    ]
    return "".join(line + end for line in lines).encode()


def form_s_row(label: str, code: str, month: str, purchases: str, sales: str) -> list[str]:
    """The 15 cells of a row; the columns that are not read hold 1 to 10."""
    return [label, code, month, purchases, "1", "2", "3", "4", "5", sales, "6", "7", "8", "9", "10"]


FORM_S_ROWS = [
    form_s_row(label, code, month, f'"{1000 * n + 5:,}"', f"{n + 20}")
    for label, code, months in [
        ('"China, Mainland"', "41408", ["2023-01", "2022-12", "2022-10", "2022-09"]),
        ('"Korea, South"', "43001", ["2023-01", "2022-12", "2022-11", "2022-10"]),
        ("Japan", "42609", ["2023-01", "2022-12", "2022-11", "2022-10", "2022-09", "2022-08", "2022-07", "2022-06"]),
        (
            "Grand Total",
            "99996",
            ["2023-01", "2022-12", "2022-11", "2022-10", "2022-09", "2022-08", "2022-07", "2022-06"],
        ),
    ]
    for n, month in enumerate(months, start=int(code) % 7 + 1)
]


def form_s(
    rows: Sequence[Sequence[str]] = FORM_S_ROWS,
    *,
    numbers: Sequence[str] = tuple(f"[{n}]" for n in range(1, 13)),
    unit: str = "All amounts in millions of dollars.",
    end: str = "\r\n",
) -> bytes:
    """A Form S country file: no notes, it ends with the last row."""
    head = [
        ["", "", "", '"U.S. Transactions with Foreigners in Long-term Securities "'],
        ["", "", "", "", "", "", unit],
        ["", "", "", "", "", '"[Refer to cntrysec.html file for ""Cntry Code"" identification.]"'],
        ["", "", "", "     Gross purchases by foreigners from U.S. residents", "", "", "", "", "", "",
         "Gross sales by foreigners to U.S. residents"],
        ["Country", "Country", "End of", "notes"],
        ["name", "code", "month", *numbers],
        [" ----------"] * 15,
    ]  # fmt: skip
    return tabbed([*head, *rows], end)


BODIES = {
    "slt_table3": table3(),
    "slt_table5": table5(),
    "mfhhis01": history(),
    "slt3d_globl": table3d(),
    "s1_globl": form_s(),
    "mfh": mfh(),
}
