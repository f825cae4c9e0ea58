"""Tables that the validation gates judge."""

from datetime import date

import pandas as pd
import pytest

from treasury_watch.transforms.errors import ConfigurationError
from treasury_watch.transforms.model import Source
from treasury_watch.transforms.quality import checks

TABLE5 = Source(
    id="slt_table5",
    title="Table 5",
    publisher="Treasury",
    url="http://localhost/slt_table5.txt",
    layout="slt_table5",
    holds="observations",
    unit="USD billions",
    rhythm="monthly",
    precedence=2,
    magnitude={"holder": "grand_total", "measure": "total_position", "low_usd_mn": 4e6, "high_usd_mn": 4e7},
)
KINDS = {"japan": "country", "oil_exporters": "group", "all_other": "aggregate", "grand_total": "aggregate"} | {
    "foreign_official": "aggregate",
    "euro_area": "memo",
}


def observations(*rows: tuple, source: str = "slt_table5", measure: str = "total_position") -> pd.DataFrame:
    """Rows of (holder, month, value) or with further (measure), (series), (source)."""
    full = [(*row, *(measure, "XIII", source)[len(row) - 3 :]) for row in rows]
    table = pd.DataFrame(full, columns=["holder_id", "month", "value_usd_mn", "measure", "series", "source"])
    return table.assign(
        month=pd.to_datetime(table["month"], format="ISO8601"), value_usd_mn=table["value_usd_mn"].astype(float)
    )


def test_a_month_that_is_not_a_first_day_is_told_apart():
    prepared = checks.prepare_parsed_observations(
        observations(("japan", "2026-04-01", 1), ("japan", "2026-04-30", 1), ("japan", "2026-04-01 12:00", 1))
    )
    assert prepared["month_is_first"].tolist() == [True, False, False]


def test_months_that_are_text_are_no_first_days():
    table = observations(("japan", "2026-04", 1)).assign(month="2026-04")
    assert checks.prepare_parsed_observations(table)["month_is_first"].tolist() == [False]


def test_only_positions_and_gross_transactions_are_expected_to_be_unsigned():
    prepared = checks.prepare_parsed_observations(
        observations(
            ("japan", "2026-04", -1, "total_position"),
            ("japan", "2026-04", -2, "long_term_gross_sales"),
            ("japan", "2026-04", -3, "total_net"),
            ("japan", "2026-04", -4, "long_term_valuation"),
        )
    )
    assert prepared["unsigned_usd_mn"].dropna().tolist() == [-1, -2]


def test_a_frame_without_months_gets_no_derived_month_column():
    prepared = checks.prepare_parsed_observations(pd.DataFrame({"measure": ["total_net"]}))
    assert prepared.columns.tolist() == ["measure"]


def test_a_lost_month_is_a_gap_of_its_holder_only():
    found = checks.coverage(
        observations(
            ("japan", "2025-11", 1),
            ("japan", "2026-02", 1),
            ("grand_total", "2025-11", 1),
            ("grand_total", "2025-12", 1),
        )
    ).set_index("holder_id")
    assert found.loc["japan", ["months_expected", "months_present", "gap"]].tolist() == [4, 2, 2]
    assert found.loc["grand_total", "gap"] == 0


def test_a_month_stated_as_not_available_is_no_gap():
    found = checks.coverage(observations(("japan", "2026-01", 1), ("japan", "2026-02", None), ("japan", "2026-03", 1)))
    assert found["gap"].tolist() == [0]


def test_the_two_cells_of_a_series_break_are_counted_on_their_own_basis():
    found = checks.coverage(
        observations(
            ("japan", "2010-05", 1, "total_position", "X"),
            ("japan", "2010-06", 1, "total_position", "X"),
            ("japan", "2010-06", 1, "total_position", "XI"),
        )
    )
    assert found[["series", "months_present", "gap"]].to_numpy().tolist() == [["X", 2, 0], ["XI", 1, 0]]


def test_months_the_publisher_never_stated_are_not_expected():
    absent = [pd.Timestamp("2011-10-01"), pd.Timestamp("2011-11-01")]
    table = observations(("grand_total", "2011-09", 1), ("grand_total", "2011-12", 1), ("japan", "2011-12", 1))
    assert checks.coverage(table, absent)["gap"].tolist() == [0, 0]
    assert checks.coverage(table)["gap"].tolist() == [2, 0]


def test_a_month_declared_absent_that_is_stated_after_all_makes_no_negative_gap():
    table = observations(("japan", "2011-09", 1), ("japan", "2011-10", 1), ("japan", "2011-11", 1))
    assert checks.coverage(table, [pd.Timestamp("2011-10-01")])["gap"].tolist() == [0]


@pytest.mark.parametrize(("value", "within"), [(9_352_600, True), (9_352.6, False), (9_352_600_000, False)])
def test_a_newest_total_a_thousand_times_too_small_or_large_is_out_of_range(value, within):
    table = observations(
        ("grand_total", "2026-03", 9_000_000), ("grand_total", "2026-04", value), ("japan", "2026-04", 1)
    )
    row = checks.magnitude(table, TABLE5).iloc[0]
    assert (row["value_usd_mn"], bool(row["within"])) == (value, within)
    assert row["month"] == pd.Timestamp("2026-04-01")


def test_a_file_without_the_compared_figure_is_not_within_its_range():
    row = checks.magnitude(observations(("japan", "2026-04", 9_000_000)), TABLE5).iloc[0]
    assert not row["within"]
    assert pd.isna(row["value_usd_mn"])


def test_a_source_without_a_declared_magnitude_is_a_configuration_error():
    source = Source(**{**TABLE5.__dict__, "magnitude": {}})
    with pytest.raises(ConfigurationError, match=r"slt_table5: magnitude has no 'holder'"):
        checks.magnitude(observations(("japan", "2026-04", 1)), source)


def month_of_table5(japan: float = 1_000_000, month: str = "2026-04") -> list[tuple]:
    return [
        ("japan", month, japan),
        ("oil_exporters", month, 200_000),
        ("all_other", month, 300_000),
        ("grand_total", month, 1_500_000),
        ("foreign_official", month, 700_000),
        ("euro_area", month, 100_000),
    ]


def test_countries_groups_and_the_rest_add_up_to_the_total_without_sectors_and_memo_lines():
    row = checks.totals(observations(*month_of_table5()), KINDS).iloc[0]
    assert row[["parts", "sum_usd_mn", "difference_usd_mn", "tolerance_usd_mn"]].tolist() == [3, 1_500_000, 0, 200]
    assert row["agrees"]


@pytest.mark.parametrize(
    ("japan", "agrees"), [(1_000_200, True), (999_800, True), (1_000_300, False), (999_700, False)]
)
def test_a_sum_may_differ_from_the_total_by_the_rounding_of_its_parts_and_no_more(japan, agrees):
    assert checks.totals(observations(*month_of_table5(japan)), KINDS)["agrees"].tolist() == [agrees]


@pytest.mark.parametrize("missing", ["grand_total", "all_other"])
def test_a_month_without_its_total_or_its_rest_does_not_agree(missing):
    rows = [*month_of_table5(month="2026-03"), *(row for row in month_of_table5() if row[0] != missing)]
    found = checks.totals(observations(*rows), KINDS)
    assert found["agrees"].tolist() == [True, False]
    assert found["newest"].tolist() == [False, True]


def test_a_source_that_states_no_rest_cannot_be_added_up_and_is_left_out():
    rows = observations(("japan", "2026-04", 1_000_000), ("grand_total", "2026-04", 9_000_000), source="slt_table3")
    assert checks.totals(rows, KINDS).empty


def table3_and_5(fine: float, rough: float) -> pd.DataFrame:
    return pd.concat(
        [observations(("japan", "2026-03", fine), source="slt_table3"), observations(("japan", "2026-03", rough))],
        ignore_index=True,
    )


@pytest.mark.parametrize(
    ("fine", "difference"), [(1_191_650, 0), (1_191_649, -100), (1_191_749, 0), (1_291_700, 100_000)]
)
def test_table_3_is_compared_with_table_5_after_rounding_halves_up(fine, difference):
    found = checks.table3_against_table5(table3_and_5(fine, 1_191_700))
    assert found[["difference_usd_mn", "same_release"]].to_numpy().tolist() == [[difference, True]]


def test_tables_that_end_with_different_months_are_not_of_one_release():
    rows = pd.concat(
        [
            observations(("japan", "2026-03", 1_191_700), source="slt_table3"),
            observations(("japan", "2026-03", 1_180_000), ("japan", "2026-04", 1_209_900)),
        ],
        ignore_index=True,
    )
    assert checks.table3_against_table5(rows)["same_release"].tolist() == [False]


def test_the_history_is_compared_with_table_3_on_the_same_survey_basis_only():
    rows = pd.concat(
        [
            observations(("canada", "2024-12", 380_256), source="slt_table3"),
            observations(
                ("canada", "2024-12", 378_800, "total_position", "XIII"),
                ("canada", "2024-12", 1, "total_position", "XII"),
                source="mfhhis01",
            ),
        ],
        ignore_index=True,
    )
    assert checks.table3_against_history(rows)["difference_usd_mn"].tolist() == [1_500]


@pytest.mark.parametrize(
    ("before", "after", "leap"),
    [
        (1_209_900, 1_209.9, True),
        (12, 12_000, True),
        (1_100, 85_000, False),  # El Salvador, March 2025
        (5_801, 5.8, False),  # below the floor: small holders do sell out
        (40_000, 0, False),
        (40_000, 1, False),  # a factor of 40,000 is no slip of units
    ],
)
def test_a_position_that_moves_by_a_factor_near_a_thousand_is_a_leap(before, after, leap):
    found = checks.leaps(observations(("japan", "2026-03", before), ("japan", "2026-04", after)))
    assert found["leap"].any() == leap


def test_flows_and_other_survey_bases_are_not_compared_for_leaps():
    rows = pd.concat(
        [
            observations(("japan", "2026-03", 20_000), ("japan", "2026-04", 20), measure="total_net"),
            observations(
                ("china", "2010-06", 843_700, "total_position", "X"),
                ("china", "2010-06", 843.7, "total_position", "XI"),
            ),
        ],
        ignore_index=True,
    )
    assert checks.leaps(rows).empty


def test_a_figure_is_compared_with_the_one_it_replaces():
    found = checks.leaps(observations(("japan", "2026-04", 1_209_900)), observations(("japan", "2026-04", 1_209.9)))
    assert found[["compared_with", "other_usd_mn", "leap"]].to_numpy().tolist() == [
        ["the replaced figure", 1_209.9, True]
    ]


def test_the_residual_of_a_month_is_what_its_parts_leave_unexplained():
    months = pd.DataFrame(
        {
            "holder_id": ["japan", "grand_total", "atlantis"],
            "change_usd_mn": [-40_921.0, 10.0, None],
            "net_purchases_usd_mn": [-11_830.0, 4.0, 1.0],
            "valuation_usd_mn": [-29_824.0, 4.0, 1.0],
            "other_usd_mn": [733.0, None, 1.0],
        }
    )
    found = checks.decomposition(months, KINDS)
    assert found["residual_usd_mn"].iloc[0] == 0
    assert found["residual_usd_mn"].isna().tolist() == [False, True, True]
    assert found["kind"].iloc[:2].tolist() == ["country", "aggregate"]
    assert pd.isna(found["kind"].iloc[2])


# ------------------------------------------------------------------------------------- a release against what is known


def positions_of(values: dict[str, list[float]], last: str = "2026-04") -> pd.DataFrame:
    """Monthly total positions that end with `last`, by holder."""
    rows = [
        (holder, month, "total_position", "XIII", value)
        for holder, figures in values.items()
        for month, value in zip(pd.date_range(end=f"{last}-01", periods=len(figures), freq="MS"), figures, strict=True)
    ]
    return pd.DataFrame(rows, columns=["holder_id", "month", "measure", "series", "value_usd_mn"])


def judged(table: pd.DataFrame, known: pd.DataFrame, day: str = "2026-06-18", newest: str = "2026-05-18") -> dict:
    (row,) = checks.against_known(
        table, known, "slt_table3", date.fromisoformat(day), date.fromisoformat(newest)
    ).to_dict("records")
    return row


def test_a_file_older_than_the_newest_release_is_older():
    known = positions_of({"japan": [1.0, 2.0]})
    assert judged(known, known, day="2026-05-17")["older"]
    assert not judged(known, known, day="2026-05-18")["older"]


def test_a_holder_of_the_newest_known_month_that_the_file_does_not_name_is_dropped():
    known = positions_of({"japan": [1.0, 2.0], "belgium": [1.0, 1.0]})
    row = judged(positions_of({"japan": [1.0, 2.0, 3.0]}, "2026-05"), known)
    assert (row["dropped"], row["dropped_holders"]) == (1, "belgium")
    assert judged(positions_of({"japan": [1.0]}, "2025-01"), known)["dropped"] == 0  # an old file ends before it


def test_a_holder_that_left_long_ago_is_not_dropped_again():
    known = pd.concat([positions_of({"japan": [1.0, 2.0]}), positions_of({"belgium": [1.0]}, "2020-01")])
    assert judged(positions_of({"japan": [1.0, 2.0]}), known)["dropped"] == 0


@pytest.mark.parametrize(("changed", "share"), [(0, 0.0), (2, 20.0), (3, 30.0)])
def test_changed_figures_older_than_two_years_are_counted_and_younger_ones_are_not(changed, share):
    before = [float(n) for n in range(1, 36)]  # 24 months to the last, the last, and ten older ones
    after = [value + 0.5 * (n < changed or n >= 10) for n, value in enumerate(before)]
    row = judged(positions_of({"japan": after}), positions_of({"japan": before}))
    assert (row["old_compared"], row["old_changed_pct"]) == (10, share)


def test_known_figures_whose_texts_are_categories_are_compared_as_any_others():
    known = positions_of({"japan": [float(n) for n in range(1, 36)]})
    known = known.astype(dict.fromkeys(["holder_id", "measure", "series"], "category"))
    unknown_to_it = {"japan": [0.0, *(float(n) for n in range(2, 36))], "belgium": [1.0] * 35}
    row = judged(positions_of(unknown_to_it), known)
    assert (row["old_compared"], row["old_changed_pct"], row["dropped"]) == (10, 10.0, 0)
