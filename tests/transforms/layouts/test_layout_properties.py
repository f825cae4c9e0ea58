"""Whatever a TIC parser accepts, it reads right; whatever is damaged is refused or reads only true figures."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.transforms.tic import (
    BODIES,
    BREAK_MONTHS,
    BREAKS,
    DECLARATIONS,
    MONTHS,
    TABLE3_COLUMNS,
    TABLE3_MEASURES,
    Reading,
    by_holder,
    form_s,
    form_s_row,
    history,
    mfh,
    source,
    table3,
    table3d,
    table5,
)
from treasury_watch.transforms.errors import LayoutError
from treasury_watch.transforms.layouts import parse, recognised

KINDS = {row["holder_id"]: row["kind"] for row in DECLARATIONS.holders}
# A country's label is its holder's name; (label, code, holder_id) by layout.
COUNTRIES = {
    name: [
        (row["label"], row["code"], row["holder_id"])
        for row in DECLARATIONS.holder_labels
        if row["layout"] == name
        and KINDS[row["holder_id"]] == "country"
        and not row["series"]
        and "Belgium" not in row["label"]
    ]
    for name in BODIES
}
EXAMPLES = settings(
    max_examples=20,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
DAMAGES = settings(EXAMPLES, max_examples=100)

SPACES = st.sampled_from(["", "", "", " ", "  ", "\xa0"])
ENDS = st.sampled_from(["\r\n", "\n", "\r", "\t\r\n", " \t\t\n"])
MARKS = st.sampled_from(["", "", "", " 2/", "  17/", " 1/ 2/"])
BLANKS = st.sampled_from(["", "\t\t\t", "  ", "\t \t"])


class Dress:
    """Draws how something known is written: spaces, quotes, thousands commas, footnote marks."""

    def __init__(self, draw: Callable):
        self.draw = draw

    def figure(self, value: int | None, decimals: int = 0, *, quoted: bool = True) -> str:
        """`value` counts units of the last decimal; None is n.a."""
        if value is None:
            return self.spaced("n.a.")
        grouped = self.draw(st.booleans()) and abs(value) >= 10 ** (3 + decimals)
        sign, digits = "-" if value < 0 else "", f"{abs(value):0{decimals + 1}}"
        whole, rest = (digits[:-decimals], digits[-decimals:]) if decimals else (digits, "")
        text = sign + (f"{int(whole):,}" if grouped else whole)
        if decimals and (int(rest) or self.draw(st.booleans())):
            text += "." + rest
        return self.quoted(self.spaced(text)) if quoted and (grouped or self.draw(st.booleans())) else self.spaced(text)

    def label(self, label: str, *, marked: bool = True, always_quoted: bool = False) -> str:
        text = self.spaced(label + (self.draw(MARKS) if marked else ""))
        return self.quoted(text) if always_quoted or self.draw(st.booleans()) else text

    def spaced(self, text: str) -> str:
        return self.draw(SPACES) + text + self.draw(SPACES)

    def quoted(self, text: str) -> str:
        # A quote counts at a cell's start only, so spaces stay inside.
        return f'"{text}"'

    def with_blank_lines(self, body: bytes, blanks: st.SearchStrategy[str] = BLANKS) -> bytes:
        lines = body.decode().split("\n") if b"\n" in body else body.decode().split("\r")
        end = "\n" if b"\n" in body else "\r"
        for blank in self.draw(st.lists(blanks, max_size=3)):
            at = self.draw(st.integers(0, len(lines) - 1))
            lines.insert(at, blank + ("\r" if end == "\n" and lines[0].endswith("\r") else ""))
        return end.join(lines).encode()


def months_back(newest: str, count: int) -> list[str]:
    year, month = (int(part) for part in newest.split("-"))
    numbers = [year * 12 + month - 1 - n for n in range(count)]
    return [f"{number // 12}-{number % 12 + 1:02}" for number in numbers]


NEWEST = st.builds(lambda year, month: f"{year}-{month:02}", st.integers(1978, 2030), st.integers(1, 12))
SIGNED = st.one_of(st.none(), st.integers(-(10**7), 10**8))
PLAIN = st.one_of(st.none(), st.integers(0, 10**5))


def countries(draw: Callable, name: str, least: int, most: int) -> list[tuple[str, str, str]]:
    return draw(st.lists(st.sampled_from(COUNTRIES[name]), min_size=least, max_size=most, unique_by=lambda row: row[2]))


@st.composite
def table3_files(draw) -> tuple[bytes, Reading]:
    dress = Dress(draw)
    months = months_back(draw(NEWEST), draw(st.integers(3, 5)))
    holders = countries(draw, "slt_table3", 2, 4)
    holders += [("Grand Total", "99996", "grand_total")]
    holders += [("Of Which: Foreign Non-Official", "99991", "foreign_non_official")]
    rows, expected = [], {}
    for label, code, holder in holders:
        for month in months:
            cells = []
            for measure in TABLE3_MEASURES:
                value = draw(SIGNED)
                cells.append(dress.figure(value))
                expected[holder, month, measure, "XIII"] = value
            rows.append([dress.label(label, marked=False), dress.spaced(code), dress.spaced(month), *cells])
    body = table3(
        rows,
        columns=draw(st.permutations(TABLE3_COLUMNS)),
        notes=draw(st.sampled_from([[], [[""], ["Notes:"], ["1/ 12,345"]]])),
        end=draw(ENDS),
    )
    return dress.with_blank_lines(body), expected


@st.composite
def table5_files(draw) -> tuple[bytes, Reading]:
    dress = Dress(draw)
    months = months_back(draw(NEWEST), draw(st.integers(1, 6)))
    holders = [(*row, "total_position") for row in countries(draw, "slt_table5", 2, 5)]
    holders += [
        ("All Other", "", "all_other", "total_position"),
        ("Grand Total", "", "grand_total", "total_position"),
        ("Of Which: Foreign Official Treasury Bills", "", "foreign_official", "short_term_position"),
        ("Of Which: Foreign Official T-Bonds & Notes", "", "foreign_official", "long_term_position"),
    ]
    rows, expected = [], {}
    for label, _, holder, measure in holders:
        values = [draw(PLAIN) for _ in months]
        marked = KINDS[holder] == "country"
        rows.append([dress.label(label, marked=marked), *(dress.figure(value, 1) for value in values)])
        for month, value in zip(months, values, strict=True):
            expected[holder, month, measure, "XIII"] = None if value is None else value * 100
    body = table5(
        rows, months=[dress.spaced(month) for month in months],
        notes=draw(st.sampled_from([[], [["Notes:"], ["1/ 12,345"]]])), end=draw(ENDS),
    )  # fmt: skip
    return dress.with_blank_lines(body), expected


@st.composite
def history_files(draw) -> tuple[bytes, Reading]:
    dress = Dress(draw)
    years = draw(
        st.sampled_from([["2013"], ["2013", "2012"], ["2012", "2011"], ["2012", "2011", "2010"], ["2011", "2010"]])
    )
    blocks, expected = {}, {}
    for year in years:
        holders = [(*row, "total_position") for row in countries(draw, "mfhhis01", 3, 5)]
        # Labels that differ in a footnote mark only are one holder.
        holders = list({row[2]: row for row in holders}.values())
        holders += [("Grand Total", "", "grand_total", "total_position")]
        holders += [("  For. Official", "", "foreign_official", "total_position")]
        holders += [("    Treasury Bills", "", "foreign_official", "short_term_position")]
        names = BREAK_MONTHS if year in BREAKS else MONTHS
        bases = BREAKS[year][2] if year in BREAKS else ["XIII"] * 12
        rows = []
        for label, _, holder, measure in holders:
            values = [draw(PLAIN) for _ in names]
            marked = KINDS[holder] == "country" and "/" not in label
            rows.append([dress.label(label, marked=marked), *(dress.figure(value, 1) for value in values)])
            for name, basis, value in zip(names, bases, values, strict=True):
                month = f"{year}-{MONTHS[::-1].index(name) + 1:02}"
                expected[holder, month, measure, basis] = None if value is None else value * 100
        rows.insert(-2, [draw(st.sampled_from(["Of which:", " Of  which: "]))])
        blocks[year] = rows
    body = history(
        blocks, dated=[[draw(st.sampled_from(["5/18/2026", " 5/18/2026 ", '"May 18, 2026"']))]], end=draw(ENDS)
    )
    return dress.with_blank_lines(body), expected


@st.composite
def mfh_files(draw) -> tuple[bytes, Reading]:
    months = months_back(draw(NEWEST.filter(lambda newest: newest >= "2003-06")), draw(st.integers(9, 13)))
    breaks = [
        (row["month"], row["new_series"]) for row in DECLARATIONS.series_breaks if row["named_in_files"] == "true"
    ]
    holders = [(*row, "total_position") for row in countries(draw, "mfh", 5, 8)]
    holders += [("Grand Total", "", "grand_total", "total_position")]
    holders += [("  T-Bonds & Notes", "", "foreign_official", "long_term_position")]
    rows, expected = [], {}
    for label, _, holder, measure in holders:
        values = [draw(PLAIN) for _ in months]
        texts = ["n.a." if value is None else f"{value // 10}.{value % 10}" for value in values]
        rows.append([draw(st.sampled_from(["", " "])) + label, *texts])
        for month, value in zip(months, values, strict=True):
            series = [new for since, new in breaks if since <= month][-1]
            expected[holder, month, measure, series] = None if value is None else value * 100
    rows.insert(-1, ["Of which:"])
    named = [(MONTHS[12 - int(month[5:])], month[:4]) for month in months]
    released = f"March 15, {int(months[0][:4]) + 2}"  # when releases carried every survey up to the newest month
    body = mfh(rows, months=named, dated=released, end=draw(st.sampled_from(["\r\n", "\n", "\r", "  \r\n"])))
    return Dress(draw).with_blank_lines(body, SPACES), expected


@st.composite
def table3d_files(draw) -> tuple[bytes, Reading]:
    dress = Dress(draw)
    months = months_back(draw(NEWEST), draw(st.integers(4, 6)))
    holders = [*countries(draw, "slt3d_globl", 3, 4), ("Grand Total", "99996", "grand_total")]
    lines, expected = [], {}
    for label, code, holder in holders:
        stated = (
            months if holder == "grand_total" else months[draw(st.integers(0, 1)) : draw(st.integers(3, len(months)))]
        )
        for month in stated:
            cells = []
            for measure in ("total_position", "long_term_position", "short_term_position"):
                value = draw(SIGNED)
                cells.append(dress.figure(value))
                expected[holder, month, measure, "XIII"] = value
            name = dress.label(label, marked=False, always_quoted=True)
            lines.append(",".join([name, code, dress.quoted(dress.spaced(month)), *cells]))
    empty = table3d([], end="\r\n").decode().split('""\r\n"Notes:"')[0]
    notes = draw(st.sampled_from(["", '""\r\n"Notes:"\r\n"1/ A note","12,345"\r\n']))
    padding = [
        ",".join(['"Grand Total"', "99996", f'"{month}"', "1", "2", "3"])
        for month in months_back(months[-1], 1 + max(0, 12 - len(lines)))[1:]
    ]
    for month in months_back(months[-1], 1 + len(padding))[1:]:
        for value, measure in enumerate(("total_position", "long_term_position", "short_term_position"), start=1):
            expected["grand_total", month, measure, "XIII"] = value
    text = empty + "".join(line + "\r\n" for line in [*lines, *padding]) + notes
    return dress.with_blank_lines(text.replace("\r\n", draw(st.sampled_from(["\r\n", "\n", "\r"]))).encode()), expected


@st.composite
def form_s_files(draw) -> tuple[bytes, Reading]:
    dress = Dress(draw)
    months = months_back(draw(NEWEST), draw(st.integers(8, 12)))
    holders = [*countries(draw, "s1_globl", 2, 4), ("Grand Total", "99996", "grand_total")]
    rows, expected = [], {}
    for label, code, holder in holders:
        for month in months:
            # Holders lack single months in the official file.
            if holder != "grand_total" and len(rows) > 16 and draw(st.booleans()):
                continue
            bought, sold = draw(st.integers(0, 10**7)), draw(st.integers(0, 10**7))
            name = dress.label(label, marked=False)
            rows.append(
                form_s_row(name, dress.spaced(code), dress.spaced(month), dress.figure(bought), dress.figure(sold))
            )
            expected[holder, month, "long_term_gross_purchases", "Form S"] = bought
            expected[holder, month, "long_term_gross_sales", "Form S"] = sold
    return dress.with_blank_lines(form_s(rows, end=draw(ENDS))), expected


@pytest.mark.parametrize(
    ("name", "files"),
    [
        ("slt_table3", table3_files()),
        ("slt_table5", table5_files()),
        ("mfhhis01", history_files()),
        ("slt3d_globl", table3d_files()),
        ("s1_globl", form_s_files()),
        ("mfh", mfh_files()),
    ],
    ids=list(BODIES),
)
def test_a_whole_file_reads_exactly_what_was_written_however_it_is_dressed(name, files):
    @EXAMPLES
    @given(files)
    def check(file):
        body, expected = file
        assert by_holder(parse(body, source(name))) == expected

    check()


FIGURE_BYTES = set(b"0123456789.,-*")
OTHER_BYTES = st.sampled_from(
    [byte for byte in b'\t\r\n "n/()ax\x0b\x0c\x1c\x85\xa0\xff\x00<' if byte not in FIGURE_BYTES]
)


@st.composite
def damages(draw, name: str, most: int) -> bytes:
    """The layout's small file with up to `most` changes, none of which touches a digit, point, comma or sign.

    A digit changed for another one cannot be told from a figure; such damage is left to the validation gates.
    """
    body = bytearray(BODIES[name])
    for _ in range(draw(st.integers(1, most))):
        kind = draw(st.sampled_from(["replace", "delete", "insert", "swap", "drop", "double", "cut"]))
        if kind in ("replace", "delete"):
            free = [at for at, byte in enumerate(body) if byte not in FIGURE_BYTES]
            at = draw(st.sampled_from(free))
            body[at : at + 1] = bytes([draw(OTHER_BYTES)]) if kind == "replace" else b""
        elif kind == "insert":
            at = draw(st.integers(0, len(body)))
            body[at:at] = bytes([draw(OTHER_BYTES)])
        elif kind == "cut":
            del body[draw(st.integers(len(body) // 2, len(body))) :]
        else:
            lines = bytes(body).splitlines(keepends=True)
            at = draw(st.integers(0, len(lines) - 1))
            if kind == "drop":
                del lines[at]
            elif kind == "double":
                lines.insert(at, lines[at])
            else:
                # A row of the history says nothing of its year: exchanged with another year's it cannot be told.
                near = name == "mfhhis01"
                to = min(at + 1, len(lines) - 1) if near else draw(st.integers(0, len(lines) - 1))
                lines[at], lines[to] = lines[to], lines[at]
            body = bytearray(b"".join(lines))
        if not body:
            break
    return bytes(body)


TRUTH = {name: by_holder(parse(body, source(name))) for name, body in BODIES.items()}


def outcome(read: Callable) -> tuple:
    """(what was read, None) or (None, the refusal); every other exception passes through and fails the test."""
    try:
        return read(), None
    except LayoutError as error:
        return None, str(error)


@pytest.mark.parametrize("name", BODIES)
def test_a_damaged_file_is_refused_or_reads_only_true_figures(name):
    @DAMAGES
    @given(damages(name, 2))
    def check(body):
        found, refusal = outcome(lambda: by_holder(parse(body, source(name))))
        if refusal is None:
            assert found.items() <= TRUTH[name].items()
        else:
            assert "\n" not in refusal

    check()


@pytest.mark.parametrize("name", BODIES)
def test_any_bytes_are_read_or_refused_with_a_layout_error_and_nothing_else(name):
    @DAMAGES
    @given(
        st.one_of(
            st.binary(max_size=200),
            st.lists(st.tuples(st.integers(0, len(BODIES[name]) - 1), st.binary(max_size=3)), min_size=1, max_size=8),
        )
    )
    def check(damage):
        body = bytearray(damage if isinstance(damage, bytes) else BODIES[name])
        for at, piece in [] if isinstance(damage, bytes) else damage:
            body[at : at + 1] = piece
        for read in (lambda: by_holder(parse(bytes(body), source(name))), lambda: recognised(bytes(body))):
            _, refusal = outcome(read)
            assert refusal is None or "\n" not in refusal

    check()
