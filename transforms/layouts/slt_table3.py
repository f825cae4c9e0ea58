"""Table 3: every reporting country and aggregate, one row per holder and month, tab-separated, USD millions."""

from __future__ import annotations

from transforms.errors import LayoutError
from transforms.layouts.reading import figure, month_of, observations, records, text_of
from transforms.model import Parsed, Source

# The file's own machine names, in the row that follows its headings.
MEASURES = {
    "for_treas_pos": "total_position",
    "for_treas_net": "total_net",
    "for_lt_treas_pos": "long_term_position",
    "for_lt_treas_net": "long_term_net",
    "for_lt_treas_valchg": "long_term_valuation",
    "for_st_treas_pos": "short_term_position",
    "for_st_treas_net": "short_term_net",
}
KEYS = ("country", "country_code", "date")


def recognise(body: bytes) -> bool:
    """Whether the content is a Table 3: its machine header row names the columns."""
    return b"for_lt_treas_valchg" in body[:8192] and b"country_code" in body[:8192]


def parse(body: bytes, source: Source) -> Parsed:
    """Positions, net purchases and valuation change by holder and month. Raises LayoutError."""
    text = text_of(body, source.id)
    rows: list[tuple] = []
    columns: dict[str, int] = {}
    units = False
    ended = False
    for line, cells in records(text, "\t", quoted=False):
        cells = [cell.strip('"') for cell in cells]
        if not columns:
            units = units or cells[0].strip().lower() == "millions of dollars"
            if cells[0].strip() in KEYS or "for_treas_pos" in [cell.strip() for cell in cells]:
                columns = _columns(cells, line, source.id)
            continue
        if sum(1 for cell in cells if cell.strip()) <= 1:
            ended = True
            continue
        if ended:
            raise LayoutError(source.id, f"line {line}", "notes only after the last row", " ".join(cells))
        if len([cell for cell in cells if cell != ""]) < len(columns):
            raise LayoutError(source.id, f"line {line}", f"{len(columns)} cells", f"{len(cells)}: {' '.join(cells)}")
        month = month_of(cells[columns["date"]])
        if month is None:
            raise LayoutError(source.id, f"line {line}, column date", "a month such as 2026-04", cells[columns["date"]])
        label, code = cells[columns["country"]], cells[columns["country_code"]].strip()
        for name, measure in MEASURES.items():
            value = figure(
                cells[columns[name]],
                source.id,
                f"line {line}, column {name}",
                scale=source.scale_to_usd_mn,
                decimals=source.decimals,
            )
            rows.append((label, code, month, measure, source.series, value, line))
    if not columns:
        raise LayoutError(source.id, "header", f"a row that names {', '.join(KEYS)}, ...", "none")
    if not units:
        raise LayoutError(source.id, "header", "'Millions of dollars'", "another unit or none", "the unit may have changed")
    table = observations(rows, source.id, at_least=len(MEASURES) * 12)
    _ends_whole(text, table, source.id)
    return Parsed(source.layout, "observations", table)


def _columns(cells: list[str], line: int, source: str) -> dict[str, int]:
    found = {cell.strip(): index for index, cell in enumerate(cells) if cell.strip()}
    expected = [*KEYS, *MEASURES]
    missing = [name for name in expected if name not in found]
    unknown = [name for name in found if name not in expected]
    if missing or unknown:
        raise LayoutError(
            source,
            f"line {line}",
            f"the columns {', '.join(expected)}",
            f"missing {', '.join(missing) or 'none'}; unknown {', '.join(unknown) or 'none'}",
            "a column was renamed; declare the new name in transforms/layouts/slt_table3.py",
        )
    return found


def _ends_whole(text: str, table, source: str) -> None:
    """Every holder states the same months; a file cut at a line's end would lack some."""
    counts = table[table["measure"] == "long_term_position"].groupby("label")["month"].nunique()
    short = counts[counts < counts.max()]
    if len(short):
        raise LayoutError(
            source,
            f"holder {short.index[0].strip()}",
            f"{counts.max()} months, as every holder has",
            f"{short.iloc[0]}",
            "the file looks truncated; fetch it again",
        )
    if "Grand Total" not in {label.strip() for label in counts.index}:
        raise LayoutError(source, "whole file", "a Grand Total", "none", "the file looks truncated; fetch it again")
