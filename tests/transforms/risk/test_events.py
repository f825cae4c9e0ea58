"""Events: what is declared, what follows from the statistics, which bear on a holder, how findings and charts name them."""

from datetime import date

import pandas as pd
import pytest

from tests.transforms.tic import DECLARATIONS
from treasury_watch.transforms.errors import ConfigurationError
from treasury_watch.transforms.findings.explain.context.events import events_sentence, with_events_told
from treasury_watch.transforms.risk.events import (
    bearing_on,
    chart_marks,
    declared_events,
    event_table,
    fed_moves,
    known_on,
    operations,
)

HOLDERS = {"japan": "Japan", "russia": "Russia"}
NO_OPERATIONS = pd.DataFrame(columns=["country", "date", "amount_jpy_mn", "pair", "direction", "source"])
ROW = {
    "date": "2023-01-19",
    "end_date": "2023-06-02",
    "kind": "debt_limit",
    "country": "United States",
    "holder_id": "",
    "what": "the Treasury was at the debt limit",
    "source_url": "https://home.treasury.gov/a",
    "end_source_url": "https://home.treasury.gov/b",
}
SANCTIONS = ROW | {
    **{"date": "2022-02-28", "end_date": "", "kind": "sanctions", "country": "Russia", "holder_id": "russia"},
    **{"what": "the United States prohibited transactions with the central bank", "end_source_url": ""},
}


def limits(*rows: tuple[str, float | None]) -> pd.DataFrame:
    return pd.DataFrame(
        [("DFEDTARU", pd.Timestamp(day), value, "fred:DFEDTARU") for day, value in rows],
        columns=["series_id", "date", "value", "source"],
    )


def table(*rows: dict[str, str], moves: pd.DataFrame | None = None) -> pd.DataFrame:
    series = limits() if moves is None else moves
    return event_table(rows, HOLDERS, series, NO_OPERATIONS, {"fred:DFEDTARU": "https://fred.example/DFEDTARU"})


def finding(first: str, last: str | None = None, holder: str = "japan", of: str = "change_usd_mn") -> dict:
    months = {"month": pd.Timestamp(first)} if last is None else {}
    if last is not None:
        months = {"start_month": pd.Timestamp(first), "end_month": pd.Timestamp(last)}
    return {"holder_id": holder, "of": of, "explanation": "It sold.", **months}


def test_a_move_of_the_federal_reserve_is_a_change_of_the_upper_limit_on_the_day_it_is_in_force():
    moves = fed_moves(limits(("2019-07-31", 2.5), ("2019-08-01", 2.25), ("2019-08-02", None), ("2019-08-03", 2.25)))
    assert [(move["date"], move["what"]) for move in moves] == [
        (
            pd.Timestamp("2019-08-01"),
            "the Federal Reserve's target range fell by 0.25 points, to an upper limit of 2.25%",
        )
    ]


def test_a_move_across_days_without_a_figure_is_found_and_a_first_figure_is_no_move():
    assert [move["what"][:26] for move in fed_moves(limits(("2022-03-16", 0.25), ("2022-03-17", None)))] == []
    moved = fed_moves(limits(("2022-03-16", 0.25), ("2022-03-17", None), ("2022-03-18", 0.5)))
    assert [move["date"] for move in moved] == [pd.Timestamp("2022-03-18")]
    assert "rose" in moved[0]["what"]


def test_an_intervention_is_one_event_with_its_day_of_payment():
    done = pd.DataFrame(
        [("Japan", pd.Timestamp("2024-04-29"), 5918500.0, "USD/JPY", "sell USD", "mof")], columns=NO_OPERATIONS.columns
    )
    (event,) = operations(done, {"Japan": "japan"})
    assert event["what"] == "Japan sold dollars for 5,918.5bn yen, due for payment on 1 May 2024"
    assert (event["holder_id"], event["derived"]) == ("japan", True)


def test_a_quarter_without_operations_is_no_event():
    none = pd.DataFrame([("Japan", pd.Timestamp("2024-03-31"), 0.0, None, None, "mof")], columns=NO_OPERATIONS.columns)
    assert operations(none, {"Japan": "japan"}) == []


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"kind": "war"}, "kind 'war'"),
        ({"kind": "fed_move"}, "kind 'fed_move'"),
        ({"kind": "intervention"}, "kind 'intervention'"),
        ({"date": "19 January"}, "Invalid isoformat"),
        ({"end_date": "2022-06-02"}, "before it begins"),
        ({"holder_id": "japan"}, "is not 'United States'"),
        ({"source_url": ""}, "official address"),
        ({"end_source_url": ""}, "official address"),
    ],
)
def test_a_wrong_line_of_the_declared_events_is_named(change, found):
    with pytest.raises(ConfigurationError, match=rf"events.csv, line 3: .*{found}.*correct the line") as caught:
        declared_events([ROW, ROW | change], HOLDERS)
    assert "\n" not in str(caught.value)


def test_the_declared_events_are_sound_and_none_is_of_a_kind_that_the_statistics_have():
    holders = {row["holder_id"]: row["holder"] for row in DECLARATIONS.holders}
    rows = declared_events(DECLARATIONS.rows("events.csv"), holders)
    assert {row["kind"] for row in rows} == {"debt_limit", "sanctions", "fx_policy", "us_agency"}
    assert all("treasury.gov" in row["source_url"] or "newyorkfed.org" in row["source_url"] for row in rows)


def test_an_event_has_the_months_of_its_first_and_last_day():
    made = table(ROW, SANCTIONS)
    assert made[["month", "end_month"]].astype(str).values.tolist() == [
        ["2022-02-01", "2022-02-01"],
        ["2023-01-01", "2023-06-01"],
    ]


def test_an_event_of_one_holder_bears_on_no_other_and_one_of_another_country_on_nobody():
    iran = SANCTIONS | {"country": "Iran", "holder_id": ""}
    made = table(SANCTIONS, iran)
    february = date(2022, 2, 1)
    assert bearing_on(made, "russia", february, february)["country"].tolist() == ["Russia"]
    assert bearing_on(made, "japan", february, february).empty


def test_as_of_a_day_an_impasse_goes_on_and_what_has_not_begun_is_unknown():
    known = known_on(table(ROW, ROW | {"date": "2023-03-09", "end_date": "", "end_source_url": ""}), date(2023, 2, 20))
    assert known[["end_date", "end_month"]].astype(str).values.tolist() == [["2023-02-20", "2023-02-01"]]
    assert "(since 19 January 2023)" in events_sentence(finding("2023-02-01"), known)


def test_a_finding_names_the_event_of_its_month_and_calls_it_no_cause():
    said = events_sentence(finding("2023-03-01"), table(ROW))
    assert said == (
        "In that month: the Treasury was at the debt limit (19 January to 2 June 2023); "
        "the statistics do not say why anyone sold."
    )


def test_what_moved_is_no_sale_and_is_told_no_events():
    assert events_sentence(finding("2023-03-01") | {"verdict": "moved"}, table(ROW)) == ""


def test_a_finding_in_a_month_without_events_stays_as_it_is():
    rows = pd.DataFrame([finding("2024-03-01")])
    assert with_events_told(rows, table(ROW))["explanation"].tolist() == ["It sold."]
    assert with_events_told(rows, None) is rows


def test_at_most_two_events_are_named_and_those_of_the_holder_first():
    moves = limits(("2022-02-01", 0.25), ("2022-02-17", 0.5))
    both = table(SANCTIONS, SANCTIONS | {"date": "2022-02-24", "what": "sanctions followed an invasion"}, moves=moves)
    said = events_sentence(finding("2022-02-01", holder="russia"), both)
    assert "invasion" in said
    assert "central bank" in said
    assert "Federal Reserve" not in said
    assert "Federal Reserve" in events_sentence(finding("2022-02-01"), both)


def test_several_moves_of_the_federal_reserve_in_an_episode_are_counted():
    moves = limits(("2022-03-01", 0.25), ("2022-03-17", 0.5), ("2022-05-05", 1.0), ("2022-06-16", 1.75))
    said = events_sentence(finding("2022-03-01", "2022-06-01"), table(moves=moves))
    assert said.startswith(
        "In those months: the Federal Reserve's target range moved 3 times, last on 16 June 2022; the"
    )


def test_what_only_reaches_into_the_first_days_of_a_finding_is_not_named():
    assert events_sentence(finding("2023-06-01"), table(ROW)) == ""
    assert events_sentence(finding("2023-05-01", "2023-12-01"), table(ROW)) == ""
    assert events_sentence(finding("2023-01-01", "2023-12-01"), table(ROW)) != ""


def test_a_gain_of_a_custodial_centre_has_no_such_sentence():
    assert events_sentence(finding("2023-01-01", "2023-04-01", of="inflow_usd_mn"), table(ROW)) == ""


def test_chart_marks_are_one_a_month_without_moves_of_the_federal_reserve():
    moves = limits(("2022-02-01", 0.25), ("2022-02-17", 0.5))
    made = table(SANCTIONS, SANCTIONS | {"date": "2022-02-24", "what": "sanctions followed"}, moves=moves)
    (mark,) = chart_marks(made, "russia", date(2022, 1, 1), date(2022, 12, 1))
    assert mark["month"] == pd.Timestamp("2022-02-01")
    assert mark["label"] == (
        "Sanctions followed (24 February 2022) and the United States prohibited transactions with the central bank "
        "(28 February 2022)"
    )
    assert len(chart_marks(made, "japan", date(2022, 1, 1), date(2022, 12, 1), without=())) == 1
    assert chart_marks(table(ROW), "japan", date(2023, 2, 1), date(2023, 12, 1)) == []
