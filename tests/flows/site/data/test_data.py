"""The data folder: files others can read, described so that validators agree, and written only where rows changed."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import time
import zipfile
from datetime import date, datetime
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest
from frictionless import Package, validate

from treasury_watch.flows.site import data
from treasury_watch.flows.site.aside import WORTH_SECONDS, Aside
from treasury_watch.flows.site.data import files, sql_box
from treasury_watch.flows.site.data.declared import FILE, published_data
from treasury_watch.flows.tabular import writing
from treasury_watch.flows.tabular.workbooks import workbook_of
from treasury_watch.transforms.errors import ConfigurationError, TreasuryWatchError
from treasury_watch.warehouse.declarations import Column, Declarations, Table
from treasury_watch.warehouse.tables.declared_tables import SQL

DECLARED = Declarations()
FEEDS = ("findings.atom", "findings.json", "revisions.atom", "revisions.json", "releases.ics")
FORMULA = '=HYPERLINK("https://evil.example")'
ODD = Table(
    "odd",
    "Cells of every type",
    ("name",),
    (
        Column("name", "text", "Text"),
        Column("names", "texts", "Texts"),
        Column("amount", "usd_mn", "Amount"),
        Column("share", "pct", "Share"),
        Column("count", "integer", "Count"),
        Column("known", "boolean", "Known"),
        Column("day", "date", "Day"),
    ),
)
ROWS = [
    (FORMULA, ["-a", "b"], -1234.0, 0.1, 3, True, date(2024, 4, 1)),
    ('a "quoted", text\nof two lines', None, None, float("nan"), None, None, None),
    ("plain", ["x"], 1e-7, 12.5, -4, False, date(1999, 12, 31)),
]


def odd() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute(f"CREATE TABLE odd ({', '.join(f'{c.name} {SQL[c.type]}' for c in ODD.columns)})")
    connection.executemany("INSERT INTO odd VALUES (?, ?, ?, ?, ?, ?, ?)", ROWS)
    return connection


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[duckdb.DuckDBPyConnection, Path]:
    """Every declared table, some with a row, and the site's data folder of them."""
    folder = tmp_path_factory.mktemp("site")
    connection = duckdb.connect()
    for table in DECLARED.tables.values():
        columns = ", ".join(f"{column.name} {SQL[column.type]}" for column in table.columns)
        connection.execute(f"CREATE TABLE {table.name} ({columns})")
    connection.execute(
        "INSERT INTO holder_months BY NAME SELECT 'japan' AS holder_id, 'Japan' AS holder, DATE '2024-04-01' AS month, "
        "1126094.0 AS position_usd_mn, -40921.5 AS change_usd_mn, 'slt_table3' AS source, false AS series_break"
    )
    connection.execute(
        "INSERT INTO sources BY NAME SELECT 'slt_table3' AS source, 'TIC table 3' AS title, 'U.S. Treasury' AS publisher, "
        "'https://ticdata.treasury.gov/slt_table3.txt' AS url, 'observations' AS holds"
    )
    connection.execute(
        "INSERT INTO releases BY NAME SELECT 'slt_table3' AS source, DATE '2024-06-18' AS released, 'file' AS released_basis, "
        "TIMESTAMP '2024-06-18 20:05:01.25' AS retrieved, '+1' AS etag, 'file:///srv/operator/slt_table3.txt' AS url"
    )
    connection.execute("INSERT INTO alerts BY NAME SELECT 'a' AS alert_id, 'someone@desk.example' AS recipient")
    connection.execute("CREATE MACRO z_on(d) AS TABLE SELECT * FROM holder_months WHERE month <= d")
    connection.execute("CREATE MACRO a_on(d) AS TABLE SELECT * FROM z_on(d) WHERE holder_id = 'japan'")
    data.build(connection, folder, "https://treasury.example", DECLARED)
    return connection, folder / "data"


def test_every_table_is_published_or_internal_and_every_publisher_of_a_source_has_its_terms() -> None:
    told = published_data(DECLARED)
    assert not {"alerts", "runs", "validation_results"} & set(told.tables)
    starts = [start for publisher in told.every_publisher for start in publisher.named]
    assert not [s.publisher for s in DECLARED.sources.values() if not s.publisher.startswith(tuple(starts))]
    assert len(told.examples) == 10


def test_a_table_that_is_declared_nowhere_is_named(tmp_path: Path) -> None:
    class Without(Declarations):
        def toml(self, name: str):
            content = super().toml(name)
            return content | {"internal": content["internal"][1:]} if name == FILE else content

    with pytest.raises(ConfigurationError, match="found otherwise for alerts; name it"):
        published_data(Without())


def test_csv_is_what_query_writes_for_spreadsheets(tmp_path: Path) -> None:
    with odd() as connection:
        files.write_table(connection, ODD, tmp_path)
        cursor = connection.execute("FROM odd ORDER BY name")
        writing.write(cursor, "csv", tmp_path / "asked.csv", 10, for_spreadsheets=True)
    ours, theirs = (
        list(csv.reader(io.StringIO((tmp_path / name).read_text(encoding="utf-8"), newline="")))
        for name in ("odd.csv", "asked.csv")
    )
    assert ours == theirs
    assert ours[1][:3] == [f"'{FORMULA}", "'-a, b", "-1234"]


def test_a_workbook_has_typed_cells_and_no_formula(tmp_path: Path) -> None:
    with odd() as connection:
        files.write_table(connection, ODD, tmp_path)
    with zipfile.ZipFile(tmp_path / "odd.xlsx") as book:
        sheet = book.read("xl/worksheets/sheet1.xml").decode("utf-8")
    assert "<f>" not in sheet
    assert "<v>-1234</v>" in sheet
    assert 't="b"' in sheet


def test_the_same_rows_give_the_same_bytes_and_leave_the_files_alone(tmp_path: Path) -> None:
    here, there = tmp_path / "a", tmp_path / "b"
    for folder in (here, there):
        folder.mkdir()
        with odd() as connection:
            files.write_table(connection, ODD, folder)
    assert all((here / f"odd.{kind}").read_bytes() == (there / f"odd.{kind}").read_bytes() for kind in files.KINDS)


def test_a_table_too_large_for_a_spreadsheet_says_so() -> None:
    assert "Excel holds 1,048,575" in files.without_workbook(1_048_576, 1)
    assert files.without_workbook(20_000, 30).startswith("no workbook: 600,000 cells are too many for a spreadsheet")
    assert files.without_workbook(20_000, 5) == ""
    assert files.without_workbook(20_000, 30, large=True) == ""
    assert "Excel holds 1,048,575" in files.without_workbook(1_048_576, 1, large=True)


def test_a_large_workbook_is_written_in_a_process_beside_with_the_same_bytes(tmp_path: Path) -> None:
    here, there, parquet = tmp_path / "here.xlsx", tmp_path / "there.xlsx", tmp_path / "odd.parquet"
    with odd() as connection:
        files.write_table(connection, ODD, tmp_path)
    with Aside() as aside:
        waiting = [
            aside.begin(0, workbook_of, parquet, here, "odd"),
            aside.begin(WORTH_SECONDS, workbook_of, parquet, there, "odd"),
            aside.begin(0, workbook_of, tmp_path / "none.parquet", there, "none"),
        ]
        waiting[0]()
        while not waiting[1].args[0].done():
            time.sleep(0.01)
        waiting[1]()
        with pytest.raises(FileNotFoundError, match=r"none\.parquet"):
            waiting[2]()
        died = aside.begin(0, os.abort)
        while not (died.args[0].running() or died.args[0].done()):
            time.sleep(0.01)
        with pytest.raises(TreasuryWatchError, match="build the site again"):
            died()
        with pytest.raises(TreasuryWatchError, match="build the site again"):
            aside.begin(0, os.abort)
    assert here.read_bytes() == there.read_bytes() == (tmp_path / "odd.xlsx").read_bytes()


def test_what_the_process_beside_has_not_come_to_is_done_here() -> None:
    with Aside() as aside:
        first, *others = [aside.begin(WORTH_SECONDS, os.getpid), *(aside.begin(0, os.getpid) for _ in range(40))]
        assert others[-1]() == os.getpid()
        while not first.args[0].done():
            time.sleep(0.01)
        assert first() != os.getpid()
        assert {one() for one in others} == {first(), os.getpid()}


def test_the_data_package_holds_against_frictionless_and_so_does_every_table(built) -> None:
    _, folder = built
    told = json.loads((folder / "datapackage.json").read_text(encoding="utf-8"))
    assert told["$schema"] == "https://datapackage.org/profiles/2.0/datapackage.json"
    assert Package.validate_descriptor(str(folder / "datapackage.json")).valid
    kept = [resource for resource in told["resources"] if resource["name"] in ("holder_months", "releases", "sources")]
    (folder / "few.json").write_text(json.dumps(told | {"resources": kept}), encoding="utf-8")
    try:
        report = validate(str(folder / "few.json"))
        assert report.valid, report.flatten(["title", "fieldName", "note"])
        kept[0]["schema"]["fields"][0]["type"] = "number"  # the check can fail
        (folder / "few.json").write_text(json.dumps(told | {"resources": kept}), encoding="utf-8")
        assert not validate(str(folder / "few.json")).valid
    finally:
        (folder / "few.json").unlink()


def test_each_description_has_units_meanings_sources_vintage_licence_and_a_citation(built) -> None:
    told = json.loads((built[1] / "holder_months.metadata.json").read_text(encoding="utf-8"))
    position = next(column for column in told["columns"] if column["name"] == "position_usd_mn")
    assert (position["type"], position["unit"]) == ("number", "USD millions")
    assert position["meaning"]
    assert told["sources"][0]["publisher"] == "U.S. Treasury"
    assert (told["vintage"], told["covers"]) == ("2024-06-18", {"first": "2024-04-01", "last": "2024-04-01"})
    assert "release of 18 June 2024" in told["citation"]
    assert "public domain" in told["citation"]
    assert {file["format"] for file in told["files"]} == {"csv", "parquet", "xlsx"}
    assert (
        pq.read_schema(built[1] / "holder_months.parquet").field("position_usd_mn").metadata[b"unit"] == b"USD millions"
    )


def test_the_database_attaches_in_the_old_storage_version_and_holds_nothing_of_the_operator(built) -> None:
    _, folder = built
    with duckdb.connect() as client:
        client.execute(f"ATTACH '{folder / 'treasury-watch.duckdb'}' AS treasury (READ_ONLY)")
        client.execute("USE treasury")
        assert client.execute("SELECT holder, position_usd_mn FROM holder_months").fetchall() == [("Japan", 1126094.0)]
        assert client.execute("SELECT count(*) FROM a_on(DATE '2024-04-01')").fetchall() == [(1,)]
        names = {name for (name,) in client.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
        comment = client.execute("SELECT comment FROM duckdb_tables() WHERE table_name = 'holder_months'").fetchall()
    assert names == set(published_data(DECLARED).tables)
    assert comment[0][0] == DECLARED.tables["holder_months"].description
    head = (folder / "treasury-watch.duckdb").read_bytes()[:20]
    assert head[12:20] == (64).to_bytes(8, "little")  # the storage version of DuckDB 1.0
    assert not [
        path.name for path in folder.iterdir() if path.is_file() and b"someone@desk.example" in path.read_bytes()
    ]


def test_the_page_offers_every_file_and_tells_the_terms(built) -> None:
    page = (built[1] / "index.html").read_text(encoding="utf-8")
    links = set(re.findall(r'href="([^"#:]+)"', page))
    assert {"holder_months.csv", "holder_months.parquet", "holder_months.xlsx", "holder_months.metadata.json"} <= links
    elsewhere = {"../index.html", *(f"../feeds/{name}" for name in FEEDS)}
    assert {link for link in links if not (built[1] / link).exists()} == elsewhere
    assert "sql_box.js" not in page
    marked = json.loads(re.findall(r'<script type="application/ld\+json">(.*?)</script>', page, re.S)[0])
    assert (marked["@type"], marked["version"]) == ("Dataset", "2024-06-18")
    part = next(one for one in marked["hasPart"] if one["name"].endswith("holder months"))
    assert part["distribution"][0]["contentUrl"] == "https://treasury.example/data/holder_months.csv"


def test_the_build_names_every_file_that_it_wrote_and_gives_the_page_to_the_sites_frame(built) -> None:
    connection, folder = built
    given: list[dict] = []
    told = data.build(connection, folder.parent, "", DECLARED, write_page=given.append)
    there = {f"data/{path.relative_to(folder)}" for path in folder.rglob("*") if path.is_file()}
    assert set(told.addresses) == there
    assert {"title", "summary", "vintage", "every", "examples", "box"} <= set(given[0])
    data.build(connection, folder.parent, "https://treasury.example", DECLARED)


def test_only_what_changed_is_written_again(built) -> None:
    connection, folder = built
    times = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    data.build(connection, folder.parent, "https://treasury.example", DECLARED)
    assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == times
    connection.execute("BEGIN")
    connection.execute("UPDATE holder_months SET position_usd_mn = 1126095")
    data.build(connection, folder.parent, "https://treasury.example", DECLARED)
    connection.execute("ROLLBACK")
    changed = {path.name for path in folder.iterdir() if times.get(path.name) != path.stat().st_mtime_ns}
    described = {"holder_months.metadata.json", "datapackage.json", "treasury-watch.duckdb", "index.html"}
    assert {f"holder_months.{kind}" for kind in files.KINDS} <= changed
    assert changed <= {f"holder_months.{kind}" for kind in files.KINDS} | described
    data.build(connection, folder.parent, "https://treasury.example", DECLARED)


class TestSqlBox:
    def test_without_a_folder_the_page_has_none_and_one_line_says_how(self, tmp_path: Path) -> None:
        (line,) = sql_box.write(tmp_path, None)
        assert "npm install --prefix FOLDER @duckdb/duckdb-wasm@1.32.0" in line
        assert not (tmp_path / "sql").exists()

    def test_a_file_that_is_not_the_one_that_was_tried_is_refused(self, tmp_path: Path) -> None:
        place = tmp_path / "node_modules" / "@duckdb" / "duckdb-wasm" / "dist"
        place.mkdir(parents=True)
        with pytest.raises(ConfigurationError, match="expected a file of @duckdb/duckdb-wasm"):
            sql_box.write(tmp_path / "data", tmp_path)
        (place / sql_box.BROWSER).write_bytes(b"something else")
        with pytest.raises(ConfigurationError, match="expected SHA-256 4f8c0bb3"):
            sql_box.write(tmp_path / "data", tmp_path)

    def test_nothing_in_the_site_names_anybody_elses_place(self) -> None:
        module = b'import*as u from"apache-arrow";import*as d from"apache-arrow";var a="https://cdn.jsdelivr.net/npm/";'
        assert sql_box.local(module).count(b"./apache-arrow.js") == 2
        assert b"https:" not in sql_box.local(module)
        with pytest.raises(ConfigurationError, match="expected from"):
            sql_box.local(b"built otherwise")
        assert all(b"https:" not in (sql_box.SCRIPTS / name).read_bytes() for name in sql_box.OWN)


def test_the_ten_queries_run_on_the_declared_tables(built) -> None:
    connection, _ = built
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE OR REPLACE TEMP MACRO positions_as_of(d) AS TABLE SELECT holder_id, month, 1.0 AS total_usd_mn, source "
            "FROM positions WHERE month <= d"
        )
        for example in published_data(DECLARED).examples:
            cursor.execute(example.sql).fetchall()


def test_no_folder_of_the_operators_disk_is_published(built) -> None:
    _, folder = built
    assert "file:slt_table3.txt" in (folder / "releases.csv").read_text(encoding="utf-8")
    for path in folder.iterdir():
        body = path.read_bytes()
        if path.suffix == ".xlsx":
            with zipfile.ZipFile(path) as book:
                body = book.read("xl/worksheets/sheet1.xml")
        assert b"operator/" not in body, path.name
    assert pq.read_table(folder / "releases.parquet")["url"].to_pylist() == ["file:slt_table3.txt"]
    with duckdb.connect(str(folder / "treasury-watch.duckdb"), read_only=True) as client:
        assert client.execute("SELECT url FROM releases").fetchall() == [("file:slt_table3.txt",)]


def test_timestamps_are_iso_8601(built) -> None:
    with (built[1] / "releases.csv").open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    assert datetime.fromisoformat(row["retrieved"]) == datetime(2024, 6, 18, 20, 5, 1)
    assert row["etag"] == "'+1"
