"""Writes the embedded sample, config/sample, from a folder of complete official files.

`python -m tests.sample.make_sample OFFICIAL_FOLDER [OUT_FOLDER]`. The sample holds published figures in the official
layouts: what is kept of a text file is kept line by line and byte by byte, what is left out are notes and older years.
The same official files give the same bytes on every machine.
"""

from __future__ import annotations

import argparse
import csv
import io
import re
import sys
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from treasury_watch.transforms.errors import ConfigurationError, LayoutError, TreasuryWatchError

PROJECT = Path(__file__).resolve().parents[2]
OUT_FOLDER = PROJECT / "config" / "sample"

FIRST_MONTH, LAST_MONTH = "2022-01", "2026-04"
YEARS = range(2022, 2026)
TIC_RELEASED = date(2026, 6, 18)

# First day kept of each FRED series; each goes on to where the official file ends. Prices start a year earlier, so that
# a change over twelve months can be told from the sample's first month on.
FRED_STARTS = {
    "DEXJPUS": "2022-01-01",
    "DEXCHUS": "2022-01-01",
    "DEXUSUK": "2022-01-01",
    "DEXCAUS": "2022-01-01",
    "DEXMXUS": "2022-01-01",
    "DTWEXBGS": "2022-01-01",
    "DGS2": "2022-01-01",
    "DGS10": "2022-01-01",
    "CPIAUCSL": "2021-01-01",
}

ECB_MEMBER = "eurofxref-hist.csv"
ECB_CURRENCIES = {"USD", "JPY", "GBP", "CHF", "CAD", "CNY", "INR", "BRL", "KRW", "HKD", "SGD", "NOK", "MXN"}
ECB_FIRST, ECB_LAST = "2021-12-01", "2026-05-29"

# Japan's Ministry of Finance, 100 million yen, dollars sold for yen. No complete official file lies beside the others,
# so these published figures are stated here and laid out as the Ministry does.
MOF_OPERATIONS = {
    date(2022, 9, 22): 28382,
    date(2022, 10, 21): 56202,
    date(2022, 10, 24): 7296,
    date(2024, 4, 29): 59185,
    date(2024, 5, 1): 38700,
    date(2024, 7, 11): 31678,
    date(2024, 7, 12): 23670,
}
# Totals by (year, quarter) as published. Each day is rounded on its own, so 2022's last is one above its days' sum.
MOF_TOTALS = {(2022, 3): 28382, (2022, 4): 63499, (2024, 2): 97885, (2024, 3): 55348}
MOF_QUARTERS = [
    (year, quarter) for year in range(2022, 2027) for quarter in range(1, 5) if (year, quarter) <= (2026, 1)
]
MOF_TITLE = "外国為替平衡操作の実施状況"
MOF_SIDES = ("米ドル売り・日本円買い", "the US dollar (sold) the Japanese yen (bought)")
MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)

MANIFEST_COMMENT = (
    "# The embedded sample: published figures in the official layouts; written by tests/sample/make_sample.py."
)


@dataclass(frozen=True)
class SampleFile:
    """One file of the sample: its source id, its path within the folder, its bytes, its release day if it has one."""

    source: str
    path: str
    body: bytes
    released: date | None = None


def slt_table3(body: bytes) -> bytes:
    """Title, unit, headings, machine header row and every holder's rows of the sample's months."""
    lines = body.splitlines(keepends=True)
    header = _index(lines, lambda line: line.startswith(b"country\t"), "slt_table3", "the machine header row")
    unit = _index(lines, lambda line: line.startswith(b"Millions of dollars\t"), "slt_table3", "'Millions of dollars'")
    kept, counts = [], dict[bytes, int]()
    for line in lines[header + 1 :]:
        if not line.strip():
            break  # notes follow
        label, _, month = line.split(b"\t")[:3]
        if FIRST_MONTH <= month.decode("ascii") <= LAST_MONTH:
            kept.append(line)
            counts[label] = counts.get(label, 0) + 1
    months = (int(LAST_MONTH[:4]) - int(FIRST_MONTH[:4])) * 12 + int(LAST_MONTH[5:]) - int(FIRST_MONTH[5:]) + 1
    short = [label.decode("latin-1") for label, count in counts.items() if count != months]
    if short or not counts:
        raise LayoutError(
            "slt_table3",
            "rows",
            f"{FIRST_MONTH} to {LAST_MONTH} for every holder",
            f"other months for {short or 'all'}",
        )
    return b"".join([lines[0], lines[unit], *lines[header - 2 : header + 1], *kept])


def slt_table5(body: bytes) -> bytes:
    """Title, unit, month row and every row of the table."""
    lines = body.splitlines(keepends=True)
    unit = _index(lines, lambda line: line.startswith(b"Billions of dollars\t"), "slt_table5", "'Billions of dollars'")
    header = _index(lines, lambda line: line.startswith(b"Country\t"), "slt_table5", "the row of months")
    end = _index(lines, lambda line: not line.strip(), "slt_table5", "a blank line after the table", start=header)
    return b"".join([lines[0], lines[unit], *lines[header:end]])


def mfhhis01(body: bytes) -> bytes:
    """The title, the year blocks of the sample, the release day and the days on which those years were revised."""
    lines = body.splitlines(keepends=True)
    before = f"Country\t{YEARS[0] - 1}\t".encode()
    # The row of month names stands above the row of years.
    end = _index(lines, lambda line: line.startswith(before), "mfhhis01", f"a block of {YEARS[0] - 1}") - 1
    released = _index(
        lines, lambda line: re.match(rb"\d{1,2}/\d{1,2}/\d{4}\t", line) is not None, "mfhhis01", "the release day"
    )
    revised = [f'"({year} revised '.encode() for year in reversed(YEARS)]
    found = [line for start in revised for line in lines[released + 1 :] if line.startswith(start)]
    if len(found) != len(revised):
        raise LayoutError("mfhhis01", "end", f"a revision day for each of {len(revised)} years", f"{len(found)}")
    return b"".join([*lines[:end], lines[released], *found])


def fred(series: str, body: bytes) -> bytes:
    """The header and the days from the series' first kept day on."""
    header, *lines = body.splitlines(keepends=True)
    if header.strip().split(b",")[-1] != series.encode():
        raise LayoutError(f"fred:{series}", "line 1", f"a header that names {series}", header.decode("latin-1"))
    kept = [line for line in lines if line[:10].decode("ascii") >= FRED_STARTS[series]]
    if not kept:
        raise LayoutError(f"fred:{series}", "rows", f"days from {FRED_STARTS[series]} on", "none")
    return b"".join([header, *kept])


def ecb(body: bytes) -> bytes:
    """The archive with the sample's currencies and days, in official order; the trailing comma of each line is kept.

    Stored, not deflated, with a fixed time: compressors differ between machines, and the bytes must not.
    """
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        rows = list(csv.reader(io.StringIO(archive.read(ECB_MEMBER).decode("ascii"))))
    columns = [index for index, name in enumerate(rows[0]) if name in ECB_CURRENCIES]
    if rows[0][0] != "Date" or len(columns) != len(ECB_CURRENCIES):
        raise LayoutError("ecb", "line 1", f"Date and {', '.join(sorted(ECB_CURRENCIES))}", ",".join(rows[0]))
    kept = [row for row in rows[1:] if row and ECB_FIRST <= row[0] <= ECB_LAST]
    if not kept or (kept[0][0], kept[-1][0]) != (ECB_LAST, ECB_FIRST):
        raise LayoutError("ecb", "rows", f"days from {ECB_LAST} down to {ECB_FIRST}", f"{len(kept)} days of that time")
    text = "".join(",".join([row[0], *(row[index] for index in columns), ""]) + "\n" for row in [rows[0], *kept])
    member = zipfile.ZipInfo(ECB_MEMBER, date_time=(1980, 1, 1, 0, 0, 0))
    member.create_system, member.external_attr = 3, 0o644 << 16
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(member, text.encode("ascii"))
    return buffer.getvalue()


def mof() -> bytes:
    """Japan's operations by day with a subtotal after each quarter, nine columns, cp932.

    Year and month stand only where they change, and again on the first row after a subtotal.
    """
    rows: list[list[str]] = [
        [MOF_TITLE, *[""] * 8],
        ["実施年月日", "", "", "Intervention Date", *[""] * 5],
        ["年", "月", "日", "Year", "Month", "Day", "金額(amount)", "売買通貨", "Currency pairs"],
        [""] * 9,
    ]
    for year, quarter in MOF_QUARTERS:
        era, last = f"令和{year - 2018}年", quarter * 3
        shown: date | None = None
        for day, amount in sorted(MOF_OPERATIONS.items()):
            if day.year != year or (day.month + 2) // 3 != quarter:
                continue
            # Within a quarter's rows the year cannot change, so only the first of them states it.
            years = (era, str(year)) if shown is None else ("", "")
            months = ("", "")
            if shown is None or shown.month != day.month:
                months = (f"{day.month}月", MONTHS[day.month - 1][:3])
            rows.append(
                [years[0], months[0], f"{day.day}日", years[1], months[1], str(day.day), f"{amount:,}", *MOF_SIDES]
            )
            shown = day
        label, english = f"{era}{last - 2}～{last}月期計", f"{MONTHS[last - 3]} - {MONTHS[last - 1]} {year}"
        rows.append([label, "", "", english, "", "", f"{MOF_TOTALS.get((year, quarter), 0):,}", "", ""])
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode("cp932")


def sample_files(official: Path) -> list[SampleFile]:
    """Every file of the sample, made from the official ones. Raises ConfigurationError, LayoutError."""
    return [
        SampleFile("slt_table3", "tic/slt_table3.txt", slt_table3(_read(official, "tic/slt_table3.txt")), TIC_RELEASED),
        SampleFile("slt_table5", "tic/slt_table5.txt", slt_table5(_read(official, "tic/slt_table5.txt")), TIC_RELEASED),
        SampleFile(
            "mfhhis01", "tic/mfhhis01.txt", history := mfhhis01(_read(official, "tic/mfhhis01.txt")), _printed(history)
        ),
        *(
            SampleFile(f"fred:{series}", f"fred/{series}.csv", fred(series, _read(official, f"fred/{series}.csv")))
            for series in FRED_STARTS
        ),
        SampleFile("ecb", "ecb/eurofxref-hist.zip", ecb(_read(official, "ecb/eurofxref-hist.zip"))),
        SampleFile("mof", "mof/foreign_exchange_intervention_operations.csv", mof()),
    ]


def manifest(files: Sequence[SampleFile]) -> str:
    """manifest.toml: source id and path of each file, and the release day of those that have one."""
    entries = [MANIFEST_COMMENT]
    for file in files:
        released = f"released = {file.released.isoformat()}\n" if file.released else ""
        entries.append(f'\n[[files]]\nsource = "{file.source}"\npath = "{file.path}"\n{released}'.rstrip())
    return "\n".join(entries) + "\n"


def write_sample(official: Path, out: Path) -> list[SampleFile]:
    """Write the sample and its manifest into `out`; nothing is written unless every file could be made."""
    files = sample_files(official)
    for file in files:
        target = out / file.path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(file.body)
    (out / "manifest.toml").write_bytes(manifest(files).encode("utf-8"))
    return files


def _read(official: Path, path: str) -> bytes:
    try:
        return (official / path).read_bytes()
    except OSError as problem:
        raise ConfigurationError(
            f"official file {official / path}: {problem.strerror}; name the folder that holds tic/, fred/ and ecb/"
        ) from problem


def _index(lines: list[bytes], fits: Callable[[bytes], bool], source: str, what: str, start: int = 0) -> int:
    for index in range(start, len(lines)):
        if fits(lines[index]):
            return index
    raise LayoutError(source, f"after line {start}", what, "none")


def _printed(history: bytes) -> date:
    found = re.search(rb"^(\d{1,2})/(\d{1,2})/(\d{4})\t", history, re.MULTILINE)
    if not found:
        raise LayoutError("mfhhis01", "end", "the release day, such as 5/18/2026", "none")
    month, day, year = (int(part) for part in found.groups())
    return date(year, month, day)


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when the sample was written, 1 on a failure that is explained in one line, 2 on wrong usage."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.sample.make_sample", description="Write the embedded sample."
    )
    parser.add_argument("official", type=Path, metavar="OFFICIAL_FOLDER", help="folder that holds tic/, fred/ and ecb/")
    parser.add_argument(
        "out", type=Path, metavar="OUT_FOLDER", nargs="?", default=OUT_FOLDER, help="default: config/sample"
    )
    options = parser.parse_args(arguments)
    try:
        files = write_sample(options.official, options.out)
    except TreasuryWatchError as problem:
        sys.stderr.write(f"{problem}\n")
        return 1
    sys.stderr.write(f"{len(files)} files, {sum(len(file.body) for file in files):,} bytes\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
