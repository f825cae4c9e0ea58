"""Published labels to holders: spellings and footnote marks lead to one holder, unknown labels are refused."""

import pandas as pd
import pytest

from tests.transforms.tic import DECLARATIONS, FILES, official, official_body, source
from treasury_watch.transforms.errors import LayoutError, UnknownHolderError
from treasury_watch.transforms.holders import identified
from treasury_watch.transforms.layouts import parse

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


def test_a_label_counts_only_with_its_own_code_and_in_its_own_layout():
    assert holder_of("Japan", "coded", "42609") == "japan"
    with pytest.raises(UnknownHolderError, match=r"\(closest: Japan with code 42609\), found 'Japan' with code 42608"):
        holder_of("Japan", "coded", "42608")
    with pytest.raises(UnknownHolderError):
        holder_of("Japan", "history")


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


def test_a_new_name_for_a_known_code_is_refused_with_the_old_name_first():
    with pytest.raises(UnknownHolderError, match=r"\(closest: Japan[,)].*found 'Nippon' with code 42609"):
        holder_of("Nippon", "coded", "42609")


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
