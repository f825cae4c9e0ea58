"""The Continuous SLT: cut into series at their key, whatever the white space, and refused where it is not whole."""

from __future__ import annotations

import io
import json
import zipfile

import pandas as pd
import pytest

from tests.transforms.tic import by_holder, reading, refusal, source
from treasury_watch.transforms.errors import UnknownHolderError
from treasury_watch.transforms.layouts.tic import cslt

POSITION, NET = "for_lt_treas_pos_42609", "for_lt_treas_net_42609"
UNITS = "Millions of Dollars"


def series(name, *observations, units=UNITS, **metadata):
    """One series; observations newest first."""
    return {
        "source_id": name,
        "metadata": {"title": f"Title of {name}", "units": units, **metadata},
        "observations": [list(pair) for pair in observations],
    }


JAPAN = series(POSITION, ("2026-04-01", "1010000.5"), ("2026-03-01", "1005000.0"))
BOUGHT = series(NET, ("2026-04-01", "-14705.0"))
FILLER = series("us_lt_corp_pos_50000", ("2026-04-01", "1.0"))


def document(*found, **other):
    return {"releaseID": "3", "transmissionDt": "2026-06-18T16:00:00", "series": list(found), **other}


def zipped(content, name="cslt.json", **others):
    text = content if isinstance(content, bytes) else json.dumps(content).encode()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, text)
        for other, body in others.items():
            archive.writestr(other, body)
    return buffer.getvalue()


def parsed(content):
    return cslt.parse(zipped(content), source("cslt"))


def figures(content):
    """Value by series code, month and measure."""
    table = parsed(content).table
    return {(row.code, f"{row.month:%Y-%m}", row.measure): row.value_usd_mn for row in table.itertuples()}


RIGHT = {
    ("42609", "2026-04", "long_term_position"): 1010000.5,
    ("42609", "2026-03", "long_term_position"): 1005000.0,
    ("42609", "2026-04", "long_term_net"): -14705.0,
}


def test_the_treasury_series_are_read_exactly_and_the_others_left():
    found = parsed(document(FILLER, JAPAN, FILLER, BOUGHT, FILLER))
    assert found.table.columns.tolist() == ["label", "code", "month", "measure", "series", "value_usd_mn", "line"]
    assert found.table[["label", "series"]].drop_duplicates().values.tolist() == [
        [f"Title of {POSITION}", "XIII"], [f"Title of {NET}", "XIII"],
    ]  # fmt: skip
    assert figures(document(FILLER, JAPAN, FILLER, BOUGHT, FILLER)) == RIGHT
    assert found.table["month"].dtype == "datetime64[us]"
    assert found.table["line"].isna().all()
    assert (found.layout, found.holds, found.dated) == ("cslt", "observations", None)


def test_every_family_has_its_measure():
    names = ["for_lt_treas_pos", "for_lt_treas_net", "for_lt_treas_valchg", "for_st_treas_pos", "for_st_treas_net"]
    found = figures(document(*(series(f"{name}_42609", ("2026-04-01", str(i))) for i, name in enumerate(names))))
    assert {measure: value for (_, _, measure), value in found.items()} == {
        "long_term_position": 0, "long_term_net": 1, "long_term_valuation": 2,
        "short_term_position": 3, "short_term_net": 4,
    }  # fmt: skip


@pytest.mark.parametrize(
    "name",
    [
        "us_lt_treas_pos_42609",
        "for_lt_treas_pos_42609_x",
        "xfor_lt_treas_pos_42609",
        "for_lt_agcy_pos_1",
        "FOR_LT_TREAS_POS_1",
    ],
)
def test_series_of_other_families_are_left_whatever_they_hold(name):
    assert figures(document(JAPAN, {"source_id": name, "observations": "n/a"}, BOUGHT)) == RIGHT


def test_codes_are_named_as_holders():
    found = by_holder(parsed(document(JAPAN)))
    assert found["japan", "2026-04", "long_term_position", "XIII"] == 1010000.5


def test_an_unknown_code_is_refused_with_the_code():
    with pytest.raises(UnknownHolderError, match="99999"):
        by_holder(parsed(document(series("for_lt_treas_pos_99999", ("2026-04-01", "1")))))


def test_missing_figures_are_unknown_and_not_zero():
    stated = [None, "", ".", "n.a.", "NA", "ND", "0", "-0.0"]
    days = [f"2026-0{8 - i}-01" if i < 8 else "" for i in range(8)]
    values = reading(parsed(document(series(POSITION, *zip(days, stated, strict=True)))).table)
    assert list(values.values()) == [None] * 6 + [0.0, 0.0]


SPELLINGS = {
    "one line": lambda found: json.dumps(found),
    "no spaces": lambda found: json.dumps(found, separators=(",", ":")),
    "indented": lambda found: json.dumps(found, indent=2),
    "tabs": lambda found: json.dumps(found, indent="\t"),
    "windows line ends": lambda found: json.dumps(found, indent=4).replace("\n", "\r\n"),
    "a wide gap before the key": lambda found: json.dumps(found).replace(
        '{"source_id"', "{" + " \n" * 90 + '"source_id"'
    ),
    "a wide gap after the key": lambda found: json.dumps(found).replace(
        '"source_id":', '"source_id"' + " " * 900 + ":"
    ),
    "spaces between series": lambda found: json.dumps(found).replace('}, {"source', '}\n ,\n\n {"source'),
    "a byte order mark and a last line end": lambda found: "\ufeff" + json.dumps(found) + "\n\n",
    "escaped characters": lambda found: json.dumps(found, ensure_ascii=True),
    "unescaped characters": lambda found: json.dumps(found, ensure_ascii=False),
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_white_space_and_spelling_change_nothing(spelling):
    accented = series("us_x", notes="Curaçao € 𝄞")
    found = document(FILLER, JAPAN, accented, BOUGHT, {**accented, "source_id": "us_y"})
    assert figures(SPELLINGS[spelling](found).encode()) == RIGHT


def test_the_order_of_the_other_keys_changes_nothing():
    turned = [
        {"source_id": s["source_id"], "observations": s["observations"], "metadata": s["metadata"]}
        for s in (JAPAN, BOUGHT)
    ]
    plain = document(*turned)
    last_first = {key: plain[key] for key in ("series", "transmissionDt", "releaseID")}
    assert figures(plain) == figures(last_first) == RIGHT


TEXTS = {
    "quoted key": 'see "source_id" there',
    "quoted key at the end": 'ends with "source_id"',
    "quoted key with a colon": '{"source_id": "for_lt_treas_pos_1"}, {"source_id": "x"',
    "key with the last quote closing the text": 'ends with "source_id',
    "backslash before the closing quote": "ends with \\",
    "two backslashes before a quoted key": 'path \\\\"source_id\\\\": "x"',
    "braces and brackets": "}]}, {[ }, ]} {",
    "the key itself": "source_id",
    "line ends": 'a\n{\n"source_id"\r\n: ',
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
@pytest.mark.parametrize("piece", [1, 7, 64, 1 << 20])
def test_texts_that_look_like_structure_are_texts(text, piece, monkeypatch):
    monkeypatch.setattr(cslt, "PIECE", piece)
    noted = [{**s, "metadata": {**s["metadata"], "notes": text, "more": [text]}} for s in (FILLER, JAPAN, BOUGHT)]
    assert figures(document(*noted, {**FILLER, "notes": text}, about=text)) == RIGHT
    assert figures({"about": text, **document(*noted)}) == RIGHT


def test_a_text_may_be_the_title_and_the_last_value_of_a_series():
    noted = {**JAPAN, "last": "source_id"}
    assert figures(document(noted, BOUGHT)) == figures(document(BOUGHT, noted)) == RIGHT


@pytest.mark.parametrize("indent", [None, 1])
def test_wherever_the_pieces_are_cut_the_figures_are_the_same(indent, monkeypatch):
    text = json.dumps(document(FILLER, JAPAN, BOUGHT, {**FILLER, "source_id": "us_z"}), indent=indent).encode()
    for piece in range(1, len(text) + 1):
        monkeypatch.setattr(cslt, "PIECE", piece)
        assert figures(text) == RIGHT, f"pieces of {piece} bytes"


@pytest.mark.parametrize("transmitted", ["2026-05-12", "2026-05-12T16:00:00", "12 May 2026", None])
def test_the_day_of_transmission_is_before_the_release_and_dates_nothing(transmitted):
    assert parsed(document(JAPAN, series("us_x"), transmissionDt=transmitted)).dated is None


WHOLE = zipped(document(FILLER, JAPAN, BOUGHT))


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (WHOLE[: len(WHOLE) // 2], "not a zip file"),
        (WHOLE[:-1], "not a zip file"),
        (WHOLE[:60] + bytes([WHOLE[60] ^ 255]) + WHOLE[61:], ""),
        (zipped(document(JAPAN), name="other.json"), "other.json"),
        (zipped(document(JAPAN), **{"readme.txt": b"x"}), "cslt.json, readme.txt"),
        (b"", "not a zip file"),
    ],
    ids=["half", "last byte", "corrupt member", "other member", "two members", "empty"],
)
def test_an_archive_that_is_not_whole_or_holds_something_else_is_refused(body, found):
    error = refusal("cslt", body)
    assert error.place == "archive"
    assert found in error.found


def test_an_archive_cut_anywhere_is_refused():
    for length in range(len(WHOLE)):
        assert refusal("cslt", WHOLE[:length]).place == "archive"


def test_a_member_too_large_is_refused_before_it_is_inflated(monkeypatch):
    monkeypatch.setattr(cslt, "MAX_MEMBER_BYTES", 100)
    error = refusal("cslt", WHOLE)
    assert (error.place, error.expected) == ("cslt.json", "at most 100 bytes")


def test_a_series_without_end_is_refused_before_memory_is_full(monkeypatch):
    monkeypatch.setattr(cslt, "PIECE", 100)
    monkeypatch.setattr(cslt, "MAX_SERIES_BYTES", 1000)
    body = zipped(document(JAPAN, {**FILLER, "notes": "x" * 5000}))
    assert refusal("cslt", body).expected == "series of at most 1,000 bytes"


def test_a_member_cut_anywhere_is_refused():
    text = json.dumps(document(JAPAN, BOUGHT)).encode()
    for length in range(len(text)):
        refusal("cslt", zipped(text[:length]))


ENCODED = json.dumps(document(FILLER, JAPAN, BOUGHT))


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (ENCODED.replace(f'"source_id": "{POSITION}", ', f'"a": 1, "source_id": "{POSITION}", '), "byte"),
        (ENCODED.replace('"observations": [["2026-04-01", "1010', '"observations": [["2026-04-01" "1010'), f"series {POSITION}"),
        (ENCODED.replace('"metadata": {"title": "Title of us', '"metadata": {"source_id": "x", "title": "Title of us'), "byte"),
        (ENCODED.replace(f'"source_id": "{POSITION}"', '"source_id": ""'), "byte"),
        (ENCODED.replace(f'"source_id": "{POSITION}"', '"source_id": 7'), "byte"),
        (ENCODED.replace('}, {"source_id"', '} {"source_id"', 1), "byte"),
        (ENCODED.replace('}, {"source_id"', '}], "more": [{"source_id"', 1), "byte"),
        (ENCODED.replace('"series"', '"lines"'), "cslt.json"),
        (ENCODED + "]", "cslt.json"),
        (ENCODED.replace('"-14705.0"]]}', '"-14705.0"]]'), "end"),
        ('{"series": {"source_id": "x"}}', "cslt.json"),
        ("[]", "cslt.json"),
        ("", "cslt.json"),
        ("<html>", "cslt.json"),
    ],
    ids=["key not first", "damaged series", "nested key", "no name", "a number", "no comma", "two lists", "no list",
         "something after it", "unclosed", "an object", "a list", "empty", "a page"],
)  # fmt: skip
def test_a_document_of_another_shape_is_refused_with_the_place(text, place):
    assert refusal("cslt", zipped(text.encode())).place.startswith(place)


MONTHS = "first days of months"


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        (series(POSITION, ("2026-04-01", "1"), units="Billions of Dollars"), "Millions of Dollars"),
        ({"source_id": POSITION, "observations": []}, "Millions of Dollars"),
        ({**JAPAN, "metadata": "Millions of Dollars"}, "Millions of Dollars"),
        ({**JAPAN, "observations": {"2026-04-01": "1"}}, "pairs"),
        ({**JAPAN, "observations": [["2026-04-01", "1", "2"]]}, "pairs"),
        (series(POSITION, ("2026-03-01", "1"), ("2026-04-01", "1")), "newest first"),
        (series(POSITION, ("2026-04-01", "1"), ("2026-04-01", "1")), "each once"),
        (series(POSITION, ("2026-04-30", "1")), MONTHS),
        (series(POSITION, ("2026-04", "1")), MONTHS),
        (series(POSITION, ("2026-13-01", "1")), MONTHS),
        (series(POSITION, ("today", "1")), MONTHS),
        (series(POSITION, (20260401, "1")), MONTHS),
        (series(POSITION, (None, "1")), MONTHS),
        (series(POSITION, (["2026-04-01"], "1")), MONTHS),
        (series(POSITION, ("2026-04-01", "1e999")), "finite"),
        *((series(POSITION, ("2026-04-01", value)), "figures")
          for value in ("inf", "nan", "1_000", "1,000", "x", " 1", "１", "0x1", True, ["1"], {})),
    ],
)  # fmt: skip
def test_a_treasury_series_that_is_not_as_published_is_refused_with_its_name(wrong, expected):
    error = refusal("cslt", zipped(document(BOUGHT, wrong, FILLER)))
    assert error.place == f"series {POSITION}"
    assert expected in error.expected


def test_a_series_stated_twice_is_refused():
    assert "second" in refusal("cslt", zipped(document(JAPAN, FILLER, JAPAN))).found


def test_a_valuation_of_bills_is_passed_over():
    # These statistics take the valuation of bills as zero: a series of it belongs to no measure.
    valued = document(JAPAN, series("for_st_treas_valchg_42609", ("2026-04-01", "1")))
    assert figures(valued) == figures(document(JAPAN))


@pytest.mark.parametrize("content", [document(FILLER), document(), document(series(POSITION))])
def test_without_a_treasury_figure_the_archive_is_refused(content):
    assert refusal("cslt", zipped(content)).place == "cslt.json"


def test_the_archive_is_recognised_by_its_content():
    assert cslt.recognise(WHOLE)
    assert not cslt.recognise(zipped(document(JAPAN), name="other.json"))
    assert not cslt.recognise(json.dumps(document(JAPAN)).encode())


def test_an_index_of_the_table_is_plain():
    assert parsed(document(JAPAN, BOUGHT)).table.index.equals(pd.RangeIndex(3))
