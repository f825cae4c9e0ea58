"""The embedded sample: figures only, the official ones, and reproducible byte for byte."""

from __future__ import annotations

import csv
import io
import tomllib
import zipfile
from datetime import date
from pathlib import Path

import pytest

from tests.sample.make_sample import MONTHS, ecb, fred, main, mfhhis01, mof, slt_table3, write_sample
from treasury_watch.transforms.errors import LayoutError
from treasury_watch.transforms.layouts import recognised
from treasury_watch.warehouse.declarations import Declarations

PROJECT = Path(__file__).resolve().parents[1]
SAMPLE = PROJECT / "config" / "sample"
OFFICIAL = PROJECT / ".." / "shared" / "official"
MANIFEST = tomllib.loads((SAMPLE / "manifest.toml").read_text(encoding="utf-8"))["files"]


def official(test):
    """Marks a test that reads the complete official files."""
    absent = pytest.mark.skipif(not OFFICIAL.is_dir(), reason="the official files are not beside the project")
    return pytest.mark.official(absent(test))


def paths_below(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def lines_of(path: str, folder: Path = SAMPLE) -> list[str]:
    """The text of a file, or of an archive's one member, as lines."""
    body = (folder / path).read_bytes()
    if path.endswith(".zip"):
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            body = archive.read("eurofxref-hist.csv")
    return body.decode("cp932" if path.startswith("mof/") else "ascii").splitlines()


def table3_row(label: str, month: str, folder: Path) -> list[str]:
    """The seven figures of one holder and month: total position and net; long-term position, net, valuation; bills."""
    rows = [line.split("\t") for line in lines_of("tic/slt_table3.txt", folder)]
    (found,) = [row for row in rows if (row[0], row[2]) == (label, month)]
    return found[3:]


def ecb_cell(day: str, currency: str, folder: Path) -> str:
    header, *rows = [line.split(",") for line in lines_of("ecb/eurofxref-hist.zip", folder)]
    (found,) = [row for row in rows if row[0] == day]
    return found[header.index(currency)]


@official
def test_the_script_reproduces_the_committed_files_byte_for_byte(tmp_path):
    write_sample(OFFICIAL, tmp_path)
    assert paths_below(tmp_path) == paths_below(SAMPLE)
    different = [path for path in paths_below(SAMPLE) if (tmp_path / path).read_bytes() != (SAMPLE / path).read_bytes()]
    assert different == []


@official
@pytest.mark.parametrize(
    ("label", "month"), [("Japan", "2024-04"), ("China, Mainland", "2022-01"), ("Grand Total", "2026-04")]
)
def test_a_row_of_table_3_equals_the_official_one(label, month):
    assert table3_row(label, month, SAMPLE) == table3_row(label, month, OFFICIAL)


@official
@pytest.mark.parametrize(
    ("day", "currency"), [("2026-05-29", "USD"), ("2024-04-29", "JPY"), ("2022-09-22", "SGD"), ("2021-12-01", "MXN")]
)
def test_a_reference_rate_stands_under_its_own_currency(day, currency):
    assert ecb_cell(day, currency, SAMPLE) == ecb_cell(day, currency, OFFICIAL)


@official
@pytest.mark.parametrize("path", sorted(path for path in paths_below(SAMPLE) if path.startswith(("tic/", "fred/"))))
def test_every_line_is_a_line_of_the_official_file_in_its_order(path):
    whole = iter((OFFICIAL / path).read_bytes().splitlines(keepends=True))
    assert [line for line in (SAMPLE / path).read_bytes().splitlines(keepends=True) if line not in whole] == []


def test_japans_april_2024_reads_as_published():
    holdings, net, _, long_term_net, valuation, _, bills_net = table3_row("Japan", "2024-04", SAMPLE)
    assert (holdings, net, long_term_net, valuation, bills_net) == ("1126094", "-11830", "246", "-29824", "-12076")


def test_table_3_holds_91_labels_from_january_2022_to_april_2026():
    rows = [line.split("\t") for line in lines_of("tic/slt_table3.txt")[5:]]
    assert len({row[0] for row in rows}) == 91
    assert {row[2] for row in rows} == {f"{y}-{m:02}" for y in range(2022, 2027) for m in range(1, 13)} - {
        f"2026-{m:02}" for m in range(5, 13)
    }
    assert len(rows) == 91 * 52


def test_table_5_names_20_holders_over_13_months():
    header, *rows = [line.split("\t") for line in lines_of("tic/slt_table5.txt")[2:]]
    assert (len(header), header[1], header[-1]) == (14, "2026-04", "2025-04")
    assert [row[0] for row in rows].index("All Other") == 20
    assert [row[0].split(":")[0] for row in rows[20:]] == ["All Other", "Grand Total", *["Of Which"] * 3]


def test_the_history_holds_four_years_its_release_day_and_when_they_were_revised():
    lines = [line.rstrip("\t") for line in lines_of("tic/mfhhis01.txt")]
    assert [line.split("\t")[1] for line in lines if line.startswith("Country")] == ["2025", "2024", "2023", "2022"]
    assert lines[-5] == "5/18/2026"
    assert [line[:15] for line in lines[-4:]] == [f'"({year} revised ' for year in (2025, 2024, 2023, 2022)]


def test_no_line_is_prose():
    words = ("custod", "faq", "http", "survey", "footnote", "estimate", "denotes")
    prose = []
    for path in sorted(paths_below(SAMPLE) - {"manifest.toml"}):
        for line in lines_of(path):
            cells = next(csv.reader([line], delimiter="\t" if path.startswith("tic/") else ","), [])
            # The longest title has ten words, the longest label that ends in a full stop three (Total Regional Orgs.).
            sentence = any(len(cell.split()) > (3 if cell.endswith(".") else 10) for cell in cells)
            note = line.lower().startswith(("note", "(注", "注", "1/", "2/"))
            if sentence or note or any(word in line.lower() for word in words):
                prose.append((path, line))
    assert prose == []


def test_the_sample_is_below_one_and_a_half_megabytes():
    assert sum((SAMPLE / path).stat().st_size for path in paths_below(SAMPLE)) < 1_500_000


def test_the_manifest_names_every_file_and_no_other():
    assert sorted(entry["path"] for entry in MANIFEST) == sorted(paths_below(SAMPLE) - {"manifest.toml"})


def test_the_manifest_names_declared_sources_each_once():
    sources = [entry["source"] for entry in MANIFEST]
    assert len(set(sources)) == len(sources)
    assert set(sources) <= set(Declarations(PROJECT / "config").sources)


def test_the_manifest_dates_the_tic_files_and_only_those():
    dated = {entry["source"]: entry["released"] for entry in MANIFEST if "released" in entry}
    assert dated == {
        "slt_table3": date(2026, 6, 18),
        "slt_table5": date(2026, 6, 18),
        "mfhhis01": date(2026, 5, 18),
    }


@pytest.mark.parametrize("entry", MANIFEST, ids=lambda entry: entry["source"])
def test_a_file_is_recognised_as_the_source_the_manifest_names(entry):
    assert recognised((SAMPLE / entry["path"]).read_bytes()) == entry["source"]


def test_the_archive_of_reference_rates_is_stored_with_a_fixed_time():
    with zipfile.ZipFile(SAMPLE / "ecb" / "eurofxref-hist.zip") as archive:
        (member,) = archive.infolist()
    assert (member.filename, member.date_time) == ("eurofxref-hist.csv", (1980, 1, 1, 0, 0, 0))
    assert member.compress_type == zipfile.ZIP_STORED


def test_the_reference_rates_keep_their_trailing_comma_and_stand_newest_first():
    lines = lines_of("ecb/eurofxref-hist.zip")
    assert lines[0] == "Date,USD,JPY,GBP,CHF,NOK,BRL,CAD,CNY,HKD,INR,KRW,MXN,SGD,"
    assert all(line.endswith(",") and line.count(",") == 14 for line in lines)
    days = [line[:10] for line in lines[1:]]
    assert days == sorted(days, reverse=True)
    assert (days[0], days[-1]) == ("2026-05-29", "2021-12-01")


def operations() -> tuple[dict[date, int], dict[str, int]]:
    """Days and subtotals of the interventions, year and month carried down, and reset by each subtotal."""
    days, totals, year, month = dict[date, int](), dict[str, int](), "", ""
    for row in csv.reader(io.StringIO(mof().decode("cp932"))):
        if row[5].isdigit():
            year, month = row[3] or year, row[4] or month
            number = [name[:3] for name in MONTHS].index(month) + 1
            days[date(int(year), number, int(row[5]))] = int(row[6].replace(",", ""))
        elif " - " in row[3]:
            totals[row[3]] = int(row[6].replace(",", ""))
            year = month = ""
    return days, totals


def test_the_interventions_are_those_the_ministry_published():
    days, totals = operations()
    assert days == {
        date(2022, 9, 22): 28382,
        date(2022, 10, 21): 56202,
        date(2022, 10, 24): 7296,
        date(2024, 4, 29): 59185,
        date(2024, 5, 1): 38700,
        date(2024, 7, 11): 31678,
        date(2024, 7, 12): 23670,
    }
    assert len(totals) == 17
    assert {period: amount for period, amount in totals.items() if amount} == {
        "July - September 2022": 28382,
        "October - December 2022": 63499,
        "April - June 2024": 97885,
        "July - September 2024": 55348,
    }


def test_the_interventions_state_year_and_month_only_where_they_change():
    rows = mof().decode("cp932").split("\r\n")
    pair = "米ドル売り・日本円買い,the US dollar (sold) the Japanese yen (bought)"
    start = rows.index(f'令和6年,4月,29日,2024,Apr,29,"59,185",{pair}')
    assert rows[start + 1 : start + 6] == [
        f',5月,1日,,May,1,"38,700",{pair}',
        '令和6年4～6月期計,,,April - June 2024,,,"97,885",,',
        f'令和6年,7月,11日,2024,Jul,11,"31,678",{pair}',
        f',,12日,,,12,"23,670",{pair}',
        '令和6年7～9月期計,,,July - September 2024,,,"55,348",,',
    ]
    assert {line.count(",") - line.count('"') // 2 for line in rows if line} == {8}


TABLE_3_HEAD = "".join(
    line + "\r\n"
    for line in (
        "Table 3: Holdings 1/\t\t\t",
        "Millions of dollars\t\t\t",
        "Link: elsewhere\t\t\t",
        "\t\t\tTotal",
        "Country\tCode\tDate\tHoldings",
        "country\tcountry_code\tdate\tfor_treas_pos",
    )
)


def months_of(label: str, last: str = "2026-04") -> str:
    months = [f"{year}-{month:02}" for year in range(2020, 2027) for month in range(1, 13)]
    return "".join(f"{label}\t1\t{month}\t7\r\n" for month in months if month <= last)


def test_table_3_leaves_out_links_older_months_and_notes():
    kept = slt_table3((TABLE_3_HEAD + months_of("Japan") + "\t\t\t\r\nNotes:\t\t\t\r\n").encode()).decode()
    assert kept == "".join(
        line
        for line in (TABLE_3_HEAD + months_of("Japan")).splitlines(keepends=True)
        if "Link" not in line and "\t2020-" not in line and "\t2021-" not in line
    )


def test_a_table_3_that_lacks_a_month_of_a_holder_is_refused_with_the_holder():
    with pytest.raises(LayoutError, match=r"for every holder, found other months for .*France"):
        slt_table3((TABLE_3_HEAD + months_of("Japan") + months_of("France", last="2026-03")).encode())


def test_a_history_without_a_release_day_is_refused():
    blocks = "MAJOR\t\r\n\tDec\t\r\nCountry\t2022\t\r\nJapan\t1.5\t\r\n\tDec\t\r\nCountry\t2021\t\r\nJapan\t1.4\t\r\n"
    with pytest.raises(LayoutError, match="the release day"):
        mfhhis01(blocks.encode())


def test_a_series_under_another_name_is_refused():
    with pytest.raises(LayoutError, match="a header that names DGS10, found date,DGS2"):
        fred("DGS10", b"date,DGS2\n2022-01-03,0.78\n")


def test_reference_rates_that_end_too_early_are_refused():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(
            "eurofxref-hist.csv",
            "Date,USD,JPY,GBP,CHF,CAD,CNY,INR,BRL,KRW,HKD,SGD,NOK,MXN,\n2026-05-28" + ",1" * 13 + ",\n",
        )
    with pytest.raises(LayoutError, match="2026-05-29 down to 2021-12-01, found 1 days"):
        ecb(buffer.getvalue())


def test_a_missing_official_file_ends_with_one_line_and_writes_nothing(tmp_path, capsys):
    assert main([str(tmp_path / "nowhere"), str(tmp_path / "out")]) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "slt_table3.txt" in said
    assert not (tmp_path / "out").exists()
