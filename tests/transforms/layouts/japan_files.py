"""Small files in the layouts of Japan's Ministry of Finance, written out as it writes them."""

from __future__ import annotations

import csv
import io

GROUPS = ("Portfolio Investment Assets", "Portfolio Investment Liabilities")
ITEMS = {
    0: "Equity and investment fund shares", 3: " Long-term debt securities", 6: "Subtotal", 7: "Short-term debt securities",
    10: "Total",
}  # fmt: skip
KINDS = ["Acquisition", "Disposition", "Net"] * 2 + ["Net"] + ["Acquisition", "Disposition", "Net", "Net"]
# A half: equity, long-term debt, subtotal, short-term debt, total.
HALF = [10, 8, 2, 1234, 234, 1000, 1002, 50, 60, -10, 992]
INVESTORS = (
    "各部門計", " Public Sector", "Central Bank (a)", "General Government (ｃ)", "Deposit-taking Corporations (b)",
    "Banks（Banking Accounts)", "Trust Banks(Banking Accounts）", "Other Sectors （d)", "Other Financial Corporations",
    "Banks and Trust banks（Trust Accounts）", "Banks（Trust Accounts）", "Trust Banks（Trust Accounts）",
    "Financial Instruments Firms", "Life Insurance Companies", "Non-Life Insurance Companies",
    "Investment Trust Management Companies", "Others",
)  # fmt: skip


def written(records: list[list[str]], encoding: str = "cp932") -> bytes:
    """Records as CSV in the Ministry's encoding."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(records)
    return text.getvalue().encode(encoding)


def numbers(values: list[int]) -> list[str]:
    """Figures as the Ministry writes them: thousands commas and a trailing blank."""
    return [f"{value:,} " for value in values]


def placed(cells: dict[int, str], width: int) -> list[str]:
    """A record with these cells, the others blank."""
    return [cells.get(column, "") for column in range(width)]


def week(
    *rows: tuple[str, list[str]], unit: str = "Unit: 100 million Yen", updated: str = "August  14 , 2026"
) -> bytes:
    """`week.csv`: rows of (week, the 22 cells after it)."""
    items = {at + start: name for start in (1, 12) for at, name in ITEMS.items()}
    heading = [
        placed(
            {
                0: "対外及び対内証券売買契約等の状況",
                19: "最終更新日  令和8年8月14日" if updated.startswith("Aug") else "",
            },
            23,
        ),
        placed(
            {0: "International Transactions in Securities (Weekly; based on reports)", 19: f"Final Update  {updated}"},
            23,
        ),
        placed({19: "単位： 億円"}, 23),
        placed({19: unit}, 23),
        placed({1: f"1. {GROUPS[0]}", 12: f"2. {GROUPS[1]}"}, 23),
        placed({0: "期間\nPeriod"}, 23),
        placed(items, 23),
        ["", *KINDS, *KINDS],
    ]
    notes = [placed({}, 23), placed({0: "（備考）", 1: "①四捨五入のため、合計に合わないことがある。"}, 23)]
    return written([*heading, *([label, *cells] for label, cells in rows), *notes])


def months(*rows: list[str], unit: str = "(Unit: 100 mil Yen)", updated: str = "August 10, 2026") -> bytes:
    """`montha1.csv`: rows of 27 cells."""
    items = {at + start: name.strip() for start in (3, 14) for at, name in ITEMS.items()}
    kinds = [kind if kind != "Net" else "Net" for kind in KINDS]
    kinds[6] = kinds[10] = "Net (A)"
    heading = [
        placed(
            {0: "International Transactions in Securities(Monthly; based on reports)", 11: f"Final Update  {updated}"},
            27,
        ),
        placed({25: unit}, 27),
        placed({0: GROUPS[0], 14: GROUPS[1], 25: "Subtotal", 26: "Total"}, 27),
        placed({**items, 25: "Net", 26: "Net"}, 27),
        ["", "", "", *kinds, *kinds, "", ""],
    ]
    sums = [["2026年(1月～12月）  2026CY", "", "", *numbers(HALF * 2), "0", "0"]]
    return written([*heading, *rows, *sums, placed({0: "   (Note 1)", 1: "Totals may not add due to rounding."}, 27)])


def month(year: str, name_ja: str, name: str, cells: list[str] | None = None) -> list[str]:
    """A record of a month: the same half twice, or the cells given."""
    return [year, name_ja, name, *(numbers(HALF * 2) if cells is None else cells), "0", "0"]


def investors(*rows: list[str]) -> bytes:
    """`monthb3.csv`: rows of 54 cells; the labels on one record."""
    labels = {3 + 3 * number: label for number, label in enumerate(INVESTORS)}
    heading = [
        placed({1: "", 0: "Purchases and Sales of Foreign Securities by Residents by Types of Investors(Long-term debt securities)",
                18: "Final Update  August 10, 2026"}, 54),
        placed({52: "（Unit: 100 mil Yen）"}, 54),
        placed({51: "その他"}, 54),
        placed(labels, 54),
        ["", "", "", *["Acquisition", "Disposition", "Net"] * 17],
    ]  # fmt: skip
    return written([*heading, *rows])


def reserves(*rows: list[str], unit: str = "（US$ millions)") -> bytes:
    """`historical.csv`: rows of some 20 cells."""
    labels = {
        4: "A. Official reserve assets", 5: "(1) Foreign currency reserves", 6: "(a) Securities", 8: "(b) Deposits with",
        14: "(2) IMF reserve position", 15: "(3) SDRs", 16: "(4) Gold", 17: "(volume [in million fine troy ounces])",
        18: "(5) other reserve assets",
    }  # fmt: skip
    heading = [
        ["財務省"],
        ["International Reserves/Foreign Currency Liquidity"],
        ["（単位：百万ドル）"],
        [unit],
        placed(labels, 19),
    ]
    return written([*heading, *rows])


def reserve(year: str, name_ja: str, gregorian: str, name: str, figures: dict[int, int]) -> list[str]:
    """A record of a month of the reserves."""
    return placed({0: year, 1: name_ja, 2: gregorian, 3: name, **{at: str(value) for at, value in figures.items()}}, 19)


AUGUST = {4: 1207524, 5: 994976, 6: 839559, 8: 155417, 14: 11420, 15: 61170, 16: 124103, 18: 15855}
