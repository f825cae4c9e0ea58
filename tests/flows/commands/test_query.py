"""`query`: limits of memory and time, formats by the file's ending, and nothing that a terminal or spreadsheet would obey."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from datetime import date
from pathlib import Path
from xml.etree import ElementTree

import click
import duckdb
import pyarrow.parquet
import pytest

from treasury_watch.flows.commands.sql import asking
from treasury_watch.flows.commands.sql.asking import QueryError
from treasury_watch.flows.settings.sections import QuerySettings
from treasury_watch.flows.tabular import cells

LIMITS = QuerySettings()


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("published") / "treasury.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE holder_months AS SELECT 'Japan' AS holder, 1209889.0 AS position_usd_mn")
    return path


def sheet(path: Path) -> list[list[tuple[str, str]]]:
    """The rows of a workbook: each cell's type (inlineStr, b, n, or f where it is a formula) and its text."""
    with zipfile.ZipFile(path) as book:
        root = ElementTree.fromstring(book.read("xl/worksheets/sheet1.xml"))
    space = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
    rows = []
    for row in root.iter(f"{space}row"):
        cells = row.iter(f"{space}c")
        rows.append(
            [("f" if c.find(f"{space}f") is not None else c.get("t", "n"), "".join(c.itertext())) for c in cells]
        )
    return rows


def asked(database: Path, sql: str, form: str | None = None, out: Path | None = None, *, limits=LIMITS, safe=False):
    return asking.answer(database, sql, form, out, limits, for_spreadsheets=safe)


def refusal(database: Path, sql: str, **given) -> str:
    with pytest.raises(QueryError) as caught:
        asked(database, sql, **given)
    assert "\n" not in str(caught.value)
    return str(caught.value)


class TestTheStatement:
    @pytest.mark.parametrize(
        "sql",
        ["SELECT 1 AS a", "SELECT 1 AS a;", "-- a\nSELECT 1 AS a -- b", " SELECT 1 AS a ; ; \n", "/* a */ FROM (SELECT 1 AS a);"],
    )  # fmt: skip
    def test_it_is_taken_as_users_type_it(self, database, capsys, sql):
        asked(database, sql, "csv")
        assert capsys.readouterr().out == "a\n1\n"

    def test_it_is_read_from_a_file_and_from_standard_input(self, database, capsys, tmp_path, monkeypatch):
        file = tmp_path / "mine.sql"
        file.write_text("SELECT 1 AS a;", encoding="utf-8-sig")
        asked(database, str(file), "csv")
        monkeypatch.setattr("sys.stdin", io.StringIO("SELECT 2 AS a"))
        asked(database, "-", "csv")
        assert capsys.readouterr().out == "a\n1\na\n2\n"

    def test_a_file_that_is_not_there_is_named(self, database, tmp_path):
        assert f"{tmp_path}/none.sql: expected a file with SQL" in refusal(database, f"{tmp_path}/none.sql")

    @pytest.mark.parametrize(
        ("sql", "found"), [("", "none"), ("-- nothing", "none"), ("SELECT 1; SELECT 2", "2: ask them")]
    )
    def test_one_is_expected(self, database, sql, found):
        assert f"expected one statement that gives rows, found {found}" in refusal(database, sql)

    def test_the_database_proposes_names_in_the_same_line(self, database):
        assert 'Did you mean "holder_months' in refusal(database, "SELECT * FROM holder_month")
        assert 'Candidate bindings: "holder"' in refusal(database, "SELECT hoder FROM holder_months")

    @pytest.mark.parametrize(
        "sql", ["DROP TABLE holder_months", "COPY holder_months TO 'x.csv'", "FROM read_csv('/etc/passwd')"]
    )
    def test_it_can_change_nothing_and_read_no_other_file(self, database, sql):
        assert refusal(database, sql)


class TestLimits:
    def test_a_query_that_never_ends_is_stopped_and_the_limit_named(self, database):
        endless = "WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"
        words = refusal(database, endless, limits=QuerySettings(seconds=0.3))
        assert words.startswith("no answer within 0.3 s; ask for less, or raise seconds in section [query]")

    def test_rows_that_never_end_are_stopped_too(self, database, tmp_path):
        rows = "SELECT a.range FROM range(1000000000) a"
        words = refusal(database, rows, out=tmp_path / "rows.csv", limits=QuerySettings(seconds=0.3))
        assert "no answer within 0.3 s" in words

    def test_one_that_needs_too_much_memory_is_one_line(self, database):
        greedy = "SELECT list(a.range || b.range::TEXT) FROM range(100000) a, range(100) b"
        words = refusal(database, greedy, limits=QuerySettings(memory="30MB"))
        assert words.startswith("the query needs more memory than 30MB; ask for fewer rows")

    def test_a_table_for_people_shows_so_many_rows_and_says_that_there_are_more(self, database, capsys):
        asked(database, "SELECT range AS a FROM range(5)", limits=QuerySettings(rows_in_table=3))
        assert capsys.readouterr().out.splitlines()[-2:] == [
            "2", "(the first 3 rows; there are more: write them all with --out FILE.csv)",
        ]  # fmt: skip
        asked(database, "SELECT range AS a FROM range(3)", limits=QuerySettings(rows_in_table=3))
        assert capsys.readouterr().out.splitlines()[-1] == "(3 rows)"


class TestFormats:
    def test_the_format_follows_the_files_ending(self, database, tmp_path):
        sql = "SELECT 'Japan' AS holder, 1209889.0 AS position_usd_mn, DATE '2026-04-01' AS month, true AS sold"
        for ending in ("csv", "json", "parquet", "xlsx"):
            asked(database, sql, out=tmp_path / "new" / f"found.{ending.upper()}")
        found = tmp_path / "new" / "found"
        assert (
            found.with_suffix(".CSV").read_text()
            == "holder,position_usd_mn,month,sold\nJapan,1209889,2026-04-01,True\n"
        )
        assert json.loads(found.with_suffix(".JSON").read_text()) == [
            {"holder": "Japan", "position_usd_mn": 1209889, "month": "2026-04-01", "sold": True}
        ]
        assert pyarrow.parquet.read_table(found.with_suffix(".PARQUET")).to_pylist()[0]["month"] == date(2026, 4, 1)
        days_since_1900 = (date(2026, 4, 1) - date(1899, 12, 30)).days
        assert sheet(found.with_suffix(".XLSX"))[1] == [
            ("inlineStr", "Japan"), ("n", "1209889"), ("n", f"{days_since_1900}"), ("b", "1"),
        ]  # fmt: skip

    def test_an_ending_of_no_format_is_wrong_usage(self, database, tmp_path):
        with pytest.raises(click.UsageError, match="has no ending of csv, json, parquet, xlsx"):
            asked(database, "SELECT 1", out=tmp_path / "found.txt")

    @pytest.mark.parametrize("form", ["csv", "json", "parquet", "xlsx"])
    def test_a_column_of_the_same_name_is_not_lost(self, database, tmp_path, form):
        out = tmp_path / f"found.{form}"
        asked(database, "SELECT 1 AS a, 2 AS a, 3 AS a_2", out=out)
        read = {
            "csv": lambda: next(csv.reader(out.open())),
            "json": lambda: list(json.loads(out.read_text())[0]),
            "parquet": lambda: pyarrow.parquet.read_schema(out).names,
            "xlsx": lambda: [text for _, text in sheet(out)[0]],
        }
        assert read[form]() == ["a", "a_2", "a_2_2"]

    def test_json_has_no_word_for_what_is_no_number(self, database, capsys):
        asked(database, "SELECT 'nan'::DOUBLE AS a, 'inf'::DOUBLE AS b, [1.5, 'nan'::DOUBLE] AS c", "json")
        assert json.loads(capsys.readouterr().out) == [{"a": None, "b": None, "c": [1.5, None]}]

    def test_no_row_is_an_empty_list(self, database, capsys):
        asked(database, "SELECT 1 AS a WHERE false", "json")
        assert json.loads(capsys.readouterr().out) == []


class TestHostileText:
    ESCAPE = "SELECT 'a' || chr(27) || ']0;owned' || chr(7) AS \"x\", 'b' || chr(10) || 'c' AS y"

    def test_a_table_does_not_steer_the_terminal(self, database, capsys):
        asked(database, self.ESCAPE)
        shown = capsys.readouterr().out
        assert not {"\x1b", "\x07"} & set(shown)
        assert r"a\x1b]0;owned\x07" in shown
        assert r"b\nc" in shown

    def test_a_workbook_takes_text_as_text_and_csv_tells_or_defuses_formulas(self, database, tmp_path):
        sql = "SELECT '=1+1' AS a, '@SUM(A1)' AS b, '-5' AS c, -5 AS d, 'Japan' AS e"
        book, told, safe = tmp_path / "f.xlsx", tmp_path / "f.csv", tmp_path / "g.csv"
        assert asked(database, sql, out=book) is None
        assert sheet(book)[1][:2] == [("inlineStr", "=1+1"), ("inlineStr", "@SUM(A1)")]
        assert asked(database, sql, out=told).startswith("3 cells of text begin as formulas do")
        assert told.read_text().splitlines()[1] == "=1+1,@SUM(A1),-5,-5,Japan"
        assert asked(database, sql, out=safe, safe=True) is None
        assert safe.read_text().splitlines()[1] == "'=1+1,'@SUM(A1),'-5,-5,Japan"


def test_a_name_is_made_distinct_from_every_other():
    assert cells.distinct(["a", "a_2", "a"]) == ["a", "a_2", "a_3"]
