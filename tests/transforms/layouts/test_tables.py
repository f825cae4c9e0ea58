"""The same table in another form: separated by commas, in HTML, in UTF-16. The figures are the same, with their lines."""

import zipfile
from io import BytesIO

import pytest

from tests.transforms.layouts import test_ecb, test_interventions, test_press
from tests.transforms.tic import (
    BODIES,
    OFFICIAL,
    as_csv,
    as_html,
    history,
    official,
    official_body,
    reading,
    refusal,
    source,
    table3,
    table5,
)
from treasury_watch.transforms.errors import LayoutError
from treasury_watch.transforms.layouts import file_kinds, parse, recognised
from treasury_watch.transforms.layouts.tables import line_of, table_of

TABBED = ["slt_table3", "slt_table5", "mfhhis01"]
FORMS = {
    "csv": as_csv,
    "html": as_html,
    "html on one line": lambda body: as_html(body, one_line=True),
    "a page": lambda body: (
        b"<!doctype html><html><head><title>TIC</title></head><body><table><tr><td>Menu</td></tr></table>"
        + as_html(body)
        + b"</body></html>"
    ),
    "Excel's Unicode text": lambda body: ("\ufeff" + body.decode()).encode("utf-16-le"),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", TABBED)
def test_each_form_of_a_table_says_the_same(name, form):
    body = FORMS[form](BODIES[name])
    whole, other = parse(BODIES[name], source(name)), parse(body, source(name))
    assert recognised(body) == name
    assert (reading(other.table), other.dated) == (reading(whole.table), whole.dated)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-16-le", "utf-32", "utf-8-sig"])
@pytest.mark.parametrize("name", [*BODIES, "fred:DEXJPUS", "ecb", "mof", "press"])
def test_every_layout_reads_text_of_two_bytes_a_character(name, encoding):
    others = {
        "fred:DEXJPUS": b"DATE,DEXJPUS\n2024-04-29,157.5\n2024-04-30,157.9\n2024-05-01,155.1\n2024-05-02,.\n",
        "ecb": test_ecb.PLAIN,
        "mof": test_interventions.file(*test_interventions.ROWS_1991),
        "press": (test_press.HEADER + test_press.APRIL).encode(),
    }
    plain = {**BODIES, **others}[name]
    text = plain.decode("cp932" if name == "mof" else "latin-1")
    mark = "\ufeff" if encoding in ("utf-16-be", "utf-16-le") else ""
    body = (mark + text).encode(encoding)
    assert recognised(body) == name
    assert len(parse(body, source(name)).table) == len(parse(plain, source(name)).table)


def test_text_of_two_bytes_a_character_is_told_without_its_mark():
    assert recognised(table5().decode().encode("utf-16-le")) == "slt_table5"
    assert file_kinds.encoding_of(table5()) is None


@pytest.mark.parametrize("name", TABBED)
def test_a_figure_in_html_leads_to_its_own_line(name):
    body = as_html(BODIES[name])
    lines = body.decode().split("\r\n")
    plain = parse(BODIES[name], source(name)).table
    for row, other in zip(parse(body, source(name)).table.itertuples(), plain.itertuples(), strict=True):
        text = lines[row.line - 1].strip().removeprefix("<td>").removesuffix("</td>")
        published = "n.a." if row.value_usd_mn != row.value_usd_mn else row.value_usd_mn / source(name).scale_to_usd_mn
        assert text in (published, "*") or float(text.replace(",", "")) == published, (other.label, row.line)


def test_lines_are_counted_beyond_65_535_which_is_where_the_parser_stops_counting():
    filler = b"\r\n" * 70_000
    body = as_html(table5()).replace(b"<tbody>", b"<tbody>" + filler)
    first = parse(body, source("slt_table5")).table["line"].min()
    assert body.split(b"\r\n")[first - 1].strip().startswith(b"<td>")
    assert first > 70_000


def test_comments_scripts_spans_and_marks_within_a_cell_are_no_figures_and_move_no_line():
    plain = as_html(table5())
    dressed = plain.replace(b"<tbody>", b"<!-- <td>1</td>\r\n -->\r\n<script>'<td>2</td>'</script><tbody>")
    dressed = dressed.replace(b"<td>Country</td>", b"<td><b>Country</b></td>").replace(
        b"<td>n.a.</td>", b"<td> n.a.<br></td>"
    )
    one, other = (parse(body, source("slt_table5")).table for body in (plain, dressed))
    assert reading(one) == reading(other)
    assert set(other["line"] - one["line"]) == {2}


def test_one_cell_over_several_columns_stands_in_the_first():
    body = b'<table><tr><td colspan="3">x</td><td>y</td></tr><tr><td>Country</td><td>NaN</td><td>Unnamed: 2</td></tr></table>'
    rows = list(table_of(body, "x", "Country").rows)
    assert rows == [(1, ["x", "", "", "y"]), (1, ["Country", "", ""])]
    assert line_of(rows[1][1], 0, 99) == 1
    assert line_of(["a"], 0, 99) == 99


@pytest.mark.parametrize("name", TABBED)
def test_html_cut_at_any_row_is_refused(name):
    body = as_html(BODIES[name])
    ends = [position for position in range(len(body)) if body.startswith(b"</tr>", position)]
    for end in [*ends, len(body) - len(b"</table>\r\n")]:
        with pytest.raises(LayoutError):
            parse(body[: end + 5], source(name))


def test_a_page_that_is_no_table_of_ours_is_named():
    page = b"<html><head><title>Access &amp; Denied</title></head><body><table><tr><td>Error 15</td></tr></table></body></html>"
    for name in TABBED:
        assert "a web page titled 'Access & Denied'" in refusal(name, page).found
    with pytest.raises(LayoutError, match=r"unknown file, start: .* a web page titled 'Access & Denied': <html>"):
        recognised(page)


def test_a_csv_of_the_history_is_not_the_fixed_width_table():
    assert recognised(as_csv(history())) == "mfhhis01"
    bars = history().replace(b"\t", b"|")
    assert "a row of month names and one of years" in refusal(recognised(bars), bars).expected


def test_a_csv_cell_with_a_comma_is_one_cell():
    body = as_csv(table3()).replace(b"Japan", b'"Korea, South"')
    assert {label for label in parse(body, source("slt_table3")).table["label"]} >= {"Korea, South"}


def test_html_that_is_no_text_is_refused():
    for body in (b"<\xff", b"<", b"<>", b"<table>\x80</table>"):
        assert "a web page" in refusal("slt_table5", body).found


@pytest.mark.parametrize(
    "tail", [b"<!--" * 50_000, b"<script>" * 20_000, b"<" * 200_000, b"<td>" * 50_000, b"<title" * 20_000]
)
def test_hostile_html_is_refused_in_time(tail):
    with pytest.raises(LayoutError):
        recognised(b"<html>" + tail)
    with pytest.raises(LayoutError):
        parse(b"<html><table>" + tail, source("slt_table5"))


@official
def test_the_official_html_and_csv_state_every_cell_as_the_text_files_do():
    for name, other in (("slt_table5", "slt_table5.html"), ("mfhhis01", "mfhhis01.csv")):
        body = (OFFICIAL / other).read_bytes()
        one, two = parse(official_body(name), source(name)), parse(body, source(name))
        assert recognised(body) == name
        assert (reading(one.table), one.dated) == (reading(two.table), two.dated)


def workbook() -> bytes:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("xl/workbook.xml", "<workbook/>")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b"%PDF-1.7\n1 0 obj", "a PDF document; save or fetch the table as .txt"),
        (workbook(), "an Excel workbook, .*; save or fetch"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(100), "an old Excel or Word document"),
        (b"Rar!\x1a\x07\x01\x00abc", "a RAR archive; unpack it"),
        (b"7z\xbc\xaf\x27\x1cabc", "a 7-Zip archive; unpack it"),
        (bytes(257) + b"ustar\x0000", "a tar archive; unpack it"),
        (b"\xff\xfeT\x00a", "damaged text in UTF-16; fetch"),
        (
            b"Table 2: Foreign Long-Term Securities\tx\r\n",
            r"Table 2: Foreign Long-Term Securities \(slt_table2\); slt_table2 is not read",
        ),
        (b'"Table 4: By type",,\r\n', r"Table 4: By type \(slt_table4\); slt_table4 is not read"),
    ],
)
def test_what_no_layout_reads_is_named_with_the_next_step(body, found):
    with pytest.raises(LayoutError, match=f"found {found}") as caught:
        recognised(body)
    assert "\n" not in str(caught.value)
