"""What each type of Japan's investors did in foreign long-term debt by month since 2005 (`monthb3.csv`), 100 million yen.

Seventeen types, three columns each. Their labels stand on several records of the heading, some in Japanese alone; `-` is
not published.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date

from treasury_watch.transforms.errors import LayoutError
from treasury_watch.transforms.layouts.japan.flows.month_rows import first_month, months
from treasury_watch.transforms.layouts.japan.ministry_tables import (
    HUNDRED_MN_YEN,
    Record,
    Triplet,
    check_triplet,
    check_unit,
    filled,
    kinds_record,
    printed_update,
    records_of,
    table_of,
)
from treasury_watch.transforms.model import Parsed, Source

TITLE = re.compile(
    rb"Foreign Securities by Residents by Types? of Investors?\s*\(Long-term debt securities", re.IGNORECASE
)
# By type: its labels, English and Japanese, as the heading has them without blanks and in lower case.
TYPES: dict[str, tuple[str, ...]] = {
    "all": ("各部門計",),
    "public_sector": ("publicsector", "公的部門"),
    "central_bank": ("centralbank(a)", "中央銀行"),
    "general_government": ("generalgovernment(c)", "一般政府"),
    "deposit_takers": ("deposit-takingcorporations(b)", "預金取扱機関"),
    "banks": ("banks(bankingaccounts)", "銀行等(銀行勘定)"),
    "trust_banks": ("trustbanks(bankingaccounts)", "信託銀行(銀行勘定)"),
    "other_sectors": ("othersectors(d)", "その他部門"),
    "other_financial": ("otherfinancialcorporations", "その他金融機関"),
    "trust_accounts": ("banksandtrustbanks(trustaccounts)", "銀行等及び信託銀行(信託勘定)"),
    "trust_accounts_of_banks": ("banks(trustaccounts)", "銀行等(信託勘定)"),
    "trust_accounts_of_trust_banks": ("trustbanks(trustaccounts)", "信託銀行(信託勘定)"),
    "securities_firms": ("financialinstrumentsfirms", "金融商品取引業者"),
    "life_insurers": ("lifeinsurancecompanies", "生命保険会社"),
    "non_life_insurers": ("non-lifeinsurancecompanies", "損害保険会社"),
    "investment_trusts": ("investmenttrustmanagementcompanies", "投資信託委託会社等"),
    "others": ("others", "その他"),
}
# Net of a part may differ by the rounding of its own parts: by 2 to 4 in 44 of 777 cells, all to 2013.
TOLERANCE = {"other_financial": 4}
KEPT = (
    "public_sector", "banks", "trust_banks", "trust_accounts", "securities_firms", "life_insurers", "non_life_insurers",
    "investment_trusts", "others",
)  # fmt: skip
SERIES = {name: f"japan_{name}_net_long_term_debt" for name in KEPT}


def recognise(body: bytes) -> bool:
    """Whether the title is that of the table by type of investor, of long-term debt."""
    return TITLE.search(body[:2048]) is not None


def parse(body: bytes, source: Source) -> Parsed:
    """Net transactions by type of investor and month: series_id, date, value (100 million yen), line. Raises LayoutError.

    Months to come and what is not published are left out. Net must be acquisition less disposition of every type.
    """
    records = records_of(body, source.id)
    start = first_month(records, source.id)
    heading = records[:start]
    check_unit(heading, HUNDRED_MN_YEN, "Unit: 100 mil Yen", source.id)
    updated = printed_update(heading, source.id)
    columns = _columns(heading, source.id)
    rows: list[tuple[str, date, float, int]] = []
    empty: str | None = None
    for month, (line, cells) in months(records[start:], source.id):
        stated = {
            name: triplet.read(cells, line, source.id, TOLERANCE.get(name, 1)) for name, triplet in columns.items()
        }
        if not filled(stated, line, source.id, f"{month:%Y-%m}", empty):
            empty = empty or f"{month:%Y-%m}"
            continue
        if (month.year, month.month) >= (updated.year, updated.month):
            raise LayoutError(source.id, f"line {line}", f"a month before the update of {updated}", f"{month:%Y-%m}")
        for name in KEPT:
            found = stated[name]
            if found is not None:
                rows.append((SERIES[name], month, float(found[2]), line))
    return Parsed(source.layout, source.holds, table_of(rows, source.id), dated=updated)


def _columns(heading: Sequence[Record], source: str) -> dict[str, Triplet]:
    """Where each type's three columns are, by its Japanese or English label. Raises LayoutError."""
    kinds = kinds_record(heading, source)
    above = [record for record in heading if record[0] < kinds[0]]
    places: dict[str, set[int]] = {}
    for _, cells in above:
        for column, cell in enumerate(cells):
            if column > 2 and cell:
                places.setdefault("".join(cell.split()).lower(), set()).add(column)
    found: dict[str, Triplet] = {}
    for name, labels in TYPES.items():
        columns = {column for label in labels for column in places.get(label, ())}
        if len(columns) != 1:
            stated = f"in columns {', '.join(str(column + 1) for column in sorted(columns))}" if columns else "none"
            raise LayoutError(source, "heading", f"one column {' or '.join(labels)}", stated)
        found[name] = check_triplet(kinds, columns.pop(), name.replace("_", " "), source)
    return found
