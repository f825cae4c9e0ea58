"""Published labels to holders: spellings and footnote marks lead to one holder, unknown labels are refused."""

import pandas as pd
import pytest

from tests.transforms.tic import BODIES, DECLARATIONS, FILES, official, official_body, source
from treasury_watch.transforms.errors import LayoutError, UnknownHolderError
from treasury_watch.transforms.holders import identified, renamed
from treasury_watch.transforms.layouts import parse
from treasury_watch.transforms.layouts.parsing import figures_of

LABELS = [
    {"layout": layout, "label": label, "code": code, "holder_id": holder, "measure": measure, "series": series}
    for layout, label, code, holder, measure, series in [
        ("history", "Korea, South ", "", "korea_south", "", ""),
        ("history", "Belgium  5/", "", "belgium_luxembourg", "", "I II"),
        ("history", "Belgium  5/", "", "belgium", "", ""),
        ("history", "United Kingdom", "", "united_kingdom", "", ""),
        ("history", "United Kingdom 2/", "", "kingdom_and_islands", "", ""),
        ("history", "    Treasury Bills", "", "foreign_official", "short_term_position", ""),
        ("history", "  For. Official", "", "foreign_official", "", ""),
        ("coded", "Japan", "42609", "japan", "", ""),
        ("coded", "Belgium", "10251", "belgium", "", ""),
        ("codes", "", "42609", "japan", "", ""),
    ]
]


def table(*rows: tuple) -> pd.DataFrame:
    """Rows of (label, code, month, series)."""
    return pd.DataFrame(
        [
            (label, code, pd.Timestamp(month), "total_position", series, float(n), n)
            for n, (label, code, month, series) in enumerate(rows)
        ],
        columns=["label", "code", "month", "measure", "series", "value_usd_mn", "line"],
    )


def holder_of(label: str, layout: str = "history", code: str = "", series: str = "XIII") -> str:
    return identified(table((label, code, "2020-01", series)), layout, LABELS)["holder_id"].item()


@pytest.mark.parametrize(
    "label",
    ["Korea, South", "Korea, South ", " Korea,  South", "Korea,\xa0South", "Korea, South 7/", "Korea, South 1/ 2/"],
)
def test_spaces_and_footnote_marks_do_not_make_another_holder(label):
    assert holder_of(label) == "korea_south"


@pytest.mark.parametrize(
    "label", ["Korea", "Korea, South 7", "Korea, South7/", "korea, south", "Korea, North", "Korea, South 123/"]
)
def test_another_name_is_another_holder(label):
    with pytest.raises(UnknownHolderError):
        holder_of(label)


def test_a_footnote_mark_with_a_row_of_its_own_keeps_its_meaning():
    assert holder_of("United Kingdom 2/") == "kingdom_and_islands"
    assert holder_of("United Kingdom") == "united_kingdom"
    assert holder_of("United Kingdom 3/") == "united_kingdom"


@pytest.mark.parametrize(
    ("series", "holder"),
    [("I", "belgium_luxembourg"), ("II", "belgium_luxembourg"), ("III", "belgium"), ("XIII", "belgium")],
)
@pytest.mark.parametrize("label", ["Belgium  5/", "Belgium 5/", "Belgium", "Belgium 6/"])
def test_a_row_for_some_survey_bases_goes_before_the_one_for_all(label, series, holder):
    assert holder_of(label, series=series) == holder


def test_a_label_that_stands_for_a_measure_gives_that_measure():
    found = identified(
        table(("Treasury Bills", "", "2020-01", ""), ("For. Official", "", "2020-01", "")), "history", LABELS
    )
    assert found[["holder_id", "measure"]].values.tolist() == [
        ["foreign_official", "short_term_position"],
        ["foreign_official", "total_position"],
    ]


def test_rows_keep_their_order_figures_and_columns():
    rows = table(
        ("United Kingdom", "", "2020-02", "XIII"),
        ("Korea, South", "", "2020-02", "XIII"),
        ("United Kingdom", "", "2020-01", "XIII"),
    )
    found = identified(rows, "history", LABELS)
    assert found.columns.tolist() == [*rows.columns, "holder_id"]
    assert found["value_usd_mn"].tolist() == [0.0, 1.0, 2.0]
    assert found["holder_id"].tolist() == ["united_kingdom", "korea_south", "united_kingdom"]
    pd.testing.assert_frame_equal(found[rows.columns], rows)


def test_a_label_with_the_code_of_nobody_is_refused_with_its_own_code():
    assert holder_of("Japan", "coded", "42609") == "japan"
    with pytest.raises(
        UnknownHolderError, match=r"found 'Japan' with code 42608, and 'Japan' is declared with code 42609;"
    ):
        holder_of("Japan", "coded", "42608")


def test_a_label_with_the_code_of_another_holder_is_refused_with_both():
    with pytest.raises(
        UnknownHolderError,
        match=r"'Japan' with code 10251, which is 'Belgium' \(belgium\), and 'Japan' is declared with code 42609",
    ):
        holder_of("Japan", "coded", "10251")


def test_a_label_that_one_layout_declares_is_known_to_all():
    assert holder_of("Japan", "history") == "japan"
    assert holder_of("Japan 3/", "a layout without rows") == "japan"
    assert holder_of("Treasury Bills", "another") == "foreign_official"
    assert holder_of("Belgium", "another", series="II") == "belgium_luxembourg"
    assert holder_of("Belgium", "another", series="III") == "belgium"


def test_a_label_that_two_layouts_give_to_different_holders_is_known_to_those_alone():
    labels = [dict(LABELS[0], layout=name, label="Islands", holder_id=f"{name}_islands") for name in ("one", "two")]
    rows = table(("Islands", "", "2020-01", ""))
    assert identified(rows, "one", labels)["holder_id"].tolist() == ["one_islands"]
    assert identified(rows, "two", labels)["holder_id"].tolist() == ["two_islands"]
    with pytest.raises(UnknownHolderError):
        identified(rows, "three", labels)


def test_a_row_without_a_label_goes_by_the_code_alone():
    assert holder_of("for_lt_treas_pos_42609", "codes", "42609") == "japan"
    with pytest.raises(UnknownHolderError, match=r"'for_lt_treas_pos_42610' with code 42610"):
        holder_of("for_lt_treas_pos_42610", "codes", "42610")


def test_an_unknown_label_is_refused_with_its_line_the_closest_labels_and_where_to_add_it():
    rows = table(("Korea, South", "", "2020-01", ""), ("Untied Kingdom", "", "2020-01", ""))
    with pytest.raises(UnknownHolderError) as caught:
        identified(rows, "history", LABELS)
    error = caught.value
    assert (error.source, error.place, error.found) == ("history", "line 1", "'Untied Kingdom'")
    assert "(closest: United Kingdom" in error.expected
    assert "config/holder_labels.csv" in error.next_step
    assert isinstance(error, LayoutError)


def test_a_new_name_for_a_known_code_is_known_by_the_code_and_told_with_both_names():
    rows = table(("Nippon", "42609", "2020-02", "XIII"), ("Nippon", "42609", "2020-01", "XIII"))
    assert identified(rows, "coded", LABELS)["holder_id"].tolist() == ["japan", "japan"]
    assert renamed(rows, "coded", LABELS) == (
        "'Nippon' with code 42609 is declared as 'Japan': loaded as japan by its code",
    )
    assert holder_of("Nippon", "another", code="42609") == "japan"


def test_a_name_as_declared_or_with_a_footnote_is_no_news():
    rows = table(("Japan ", "42609", "2020-02", ""), ("Belgium 7/", "10251", "2020-02", ""))
    assert renamed(rows, "coded", LABELS) == ()
    assert renamed(table(("for_lt_treas_pos_10251", "10251", "2020-01", "")), "codes", LABELS) == ()


def test_a_code_that_nobody_declares_goes_by_a_label_without_one_and_is_told():
    rows = table(("Korea, South", "43001", "2020-01", ""))
    assert identified(rows, "coded", LABELS)["holder_id"].tolist() == ["korea_south"]
    assert renamed(rows, "coded", LABELS) == (
        "'Korea, South' with code 43001, which is not declared: loaded as korea_south by its label",
    )


def test_unknown_holders_of_a_file_are_listed_in_one_line_as_many_as_fit_and_how_many_more():
    names = [f"Ruritania, Province {number}" for number in range(1, 31)]
    rows = table(("Japan", "42609", "2020-01", ""), *((name, f"{n}", "2020-01", "") for n, name in enumerate(names)))
    with pytest.raises(UnknownHolderError) as caught:
        identified(rows, "coded", LABELS)
    told = str(caught.value)
    assert "coded, line 1: expected holders that config/holder_labels.csv knows, found 30 unknown ones: " in told
    shown = [f"'{name}' with code {n} (line {n + 1})" in told for n, name in enumerate(names)]
    assert shown == [True] * 4 + [False] * 26
    assert ", and 26 more; add them to config/holder_labels.csv" in told
    assert "\n" not in told


def test_a_label_without_anything_close_is_refused_too():
    with pytest.raises(UnknownHolderError, match=r"knows, found 'Zzz'"):
        holder_of("Zzz")


def test_two_labels_for_one_holder_and_month_are_refused_with_both():
    rows = table(
        ("Belgium 5/", "", "2020-01", "XIII"),
        ("Korea, South", "", "2020-01", "XIII"),
        ("Belgium 6/", "", "2020-01", "XIII"),
    )
    with pytest.raises(
        LayoutError, match=r"history, line 2: expected one figure for belgium 2020-01 .*'Belgium 5/' and 'Belgium 6/'"
    ):
        identified(rows, "history", LABELS)


def test_one_holder_under_two_labels_in_different_months_or_bases_is_no_error():
    rows = table(
        ("Belgium 5/", "", "2020-01", "XIII"), ("Belgium", "", "2020-02", "XIII"), ("Belgium", "", "2020-01", "XII")
    )
    assert set(identified(rows, "history", LABELS)["holder_id"]) == {"belgium"}


@pytest.mark.parametrize(
    ("name", "label", "code"),
    [("slt_table3", "Japan", 42609), ("slt3d_globl", "Greece", 11207), ("s1_globl", "Japan", 42609)],
)
def test_each_layout_with_codes_loads_a_renamed_holder_and_notes_it(name, label, code):
    body = BODIES[name].replace(label.encode(), b"Elsewhere")
    parsed = figures_of(body, source(name), DECLARATIONS.holder_labels)
    assert label.lower() in set(parsed.table["holder_id"])
    assert parsed.notes == (
        f"'Elsewhere' with code {code} is declared as '{label}': loaded as {label.lower()} by its code",
    )


def test_the_declared_labels_are_known_to_every_layout_of_the_tic_system():
    rows = table(
        ("Turkey", "", "2020-01", "XIII"), ("Russia", "", "2020-01", "XIII"), ("Oil Exporters", "", "2020-01", "")
    )
    for name in ("mfh", "slt_table5", "mfhhis01"):
        found = identified(rows, name, DECLARATIONS.holder_labels)["holder_id"].tolist()
        assert found == ["turkey", "russia", "oil_exporters"]


@official
@pytest.mark.parametrize(
    ("name", "holders"),
    [("slt_table3", 91), ("slt_table5", 23), ("mfhhis01", 56), ("slt3d_globl", 131), ("s1_globl", 97), ("mfh", 41)],
)
def test_every_label_of_the_official_files_is_identified(name, holders):
    found = identified(parse(official_body(name), source(name)).table, name, DECLARATIONS.holder_labels)
    assert found["holder_id"].nunique() == holders
    assert not found["holder_id"].isna().any()
    assert not found.duplicated(["holder_id", "month", "measure", "series"]).any()
    assert set(FILES) >= {name}


@official
def test_aggregates_of_the_official_files_are_never_countries():
    kinds = {row["holder_id"]: row["kind"] for row in DECLARATIONS.holders}
    words = (
        "Total",
        "All ",
        "Of Which",
        "Of which",
        "Memo",
        "International",
        "Official",
        "Oil Exporters",
        "Bnkng",
        "Treasury Bills",
        "T-Bonds",
        "Unknown",
    )
    for name in FILES:
        found = identified(parse(official_body(name), source(name)).table, name, DECLARATIONS.holder_labels)
        pairs = found[["label", "holder_id"]].drop_duplicates().itertuples(index=False)
        assert {
            (label, kinds[holder] != "country") for label, holder in pairs if any(word in label for word in words)
        } == {(label, True) for label in found["label"].unique() if any(word in label for word in words)}
