"""For every suite of the gates a good frame, and for every rule a way to spoil it."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pandas as pd

from treasury_watch.transforms.quality import checks, declared_facts
from treasury_watch.warehouse.declarations import Declarations

PROJECT = Path(__file__).resolve().parents[3]
DECLARATIONS = Declarations(PROJECT / "config")
KINDS = {row["holder_id"]: row["kind"] for row in DECLARATIONS.holders}


def observations() -> pd.DataFrame:
    """Twelve months of two holders in Table 5, good in every respect."""
    months = pd.date_range("2025-05-01", periods=12, freq="MS")
    rows = [
        ("slt_table5", holder, label, month, "total_position", "XIII", value, line)
        for line, (holder, label, value) in enumerate(
            [("japan", "Japan", 1_209_900.0), ("grand_total", "Grand Total", 9_352_600.0)], start=7
        )
        for month in months
    ]
    columns = ["source", "holder_id", "label", "month", "measure", "series", "value_usd_mn", "line"]
    return pd.DataFrame(rows, columns=columns)


def prepared() -> pd.DataFrame:
    return checks.prepare_parsed_observations(observations())


def a_coverage() -> pd.DataFrame:
    return checks.coverage(observations())


def a_magnitude() -> pd.DataFrame:
    return checks.magnitude(observations(), DECLARATIONS.source("slt_table5"))


def an_fx() -> pd.DataFrame:
    days = pd.to_datetime(["2026-06-01", "2026-06-02"])
    return pd.DataFrame({"currency": "JPY", "date": days, "per_usd": [159.1, 160.2], "line": [2, 3]})


def a_release() -> pd.DataFrame:
    return checks.against_known(observations(), observations(), "mfhhis01", date(2026, 6, 18), date(2026, 5, 18))


def a_rhythm() -> pd.DataFrame:
    days = pd.Series(pd.bdate_range("2026-06-01", periods=10))
    return declared_facts.rhythm(days, "fred:DEXJPUS", "daily")


def a_second_source() -> pd.DataFrame:
    return declared_facts.against_second_source(an_fx(), an_fx().assign(source="ecb"))


def no_zeros() -> pd.DataFrame:
    return declared_facts.zeros_for_billions(observations(), observations(), "slt_table5")


def zeros(holders: int) -> pd.DataFrame:
    table = observations().iloc[[NEWEST]]
    several = pd.concat([table.assign(holder_id=f"holder {n}") for n in range(holders)], ignore_index=True)
    return declared_facts.zeros_for_billions(several.assign(value_usd_mn=0.0), several, "slt_table5")


def a_correction() -> pd.DataFrame:
    return pd.DataFrame({"correction": ["canada"], "source": "mfhhis01", "still_wrong": [True]})


def no_disagreement() -> pd.DataFrame:
    return pd.DataFrame(columns=["currency", "date", "h10_per_usd", "ecb_per_usd", "difference_pct"])


def a_total() -> pd.DataFrame:
    rest = observations().iloc[:12].assign(holder_id="all_other", value_usd_mn=9_352_600.0 - 1_209_900.0)
    return checks.totals(pd.concat([observations(), rest], ignore_index=True), KINDS)


def an_agreement() -> pd.DataFrame:
    return checks.table3_against_table5(
        pd.concat([observations(), observations().assign(source="slt_table3")], ignore_index=True)
    )


def an_agreement_with_table1() -> pd.DataFrame:
    return an_agreement().rename(columns={"other_usd_mn": "table1_usd_mn"})


def a_history() -> pd.DataFrame:
    rows = [observations().assign(source=source) for source in ("mfhhis01", "slt_table3")]
    return checks.table3_against_history(pd.concat(rows, ignore_index=True))


def some_leaps() -> pd.DataFrame:
    return checks.leaps(observations())


def a_freshness() -> pd.DataFrame:
    day = pd.Timestamp("2026-06-18")
    return pd.DataFrame({"source": ["mfh"], "last_date": day, "due_date": day, "days_late": 0, "stale": [False]})


def some_custody() -> pd.DataFrame:
    return pd.DataFrame(
        {"series_id": "WMTSECL1", "date": pd.to_datetime(["2026-06-24"]), "value_usd_mn": [2_636_947.0], "line": [1229]}
    )


def a_survey() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "country_code": ["42609", "99996"],
            "month": pd.Timestamp("2025-06-01"),
            "measure": "long_term_position",
            "value_usd_mn": [1_023_937.0, 7_700_000.0],
            "line": [122, 258],
        }
    )


def a_period() -> pd.DataFrame:
    days = {"start_date": ["2026-07-30"], "end_date": pd.to_datetime(["2026-08-26"]), "days": [28]}
    return pd.DataFrame({"country": ["Japan"], **days, "amount_jpy_mn": [15_399_300.0], "line": [1]})


def a_period_and_its_days() -> pd.DataFrame:
    return a_period().assign(days_jpy_mn=15_399_300.0, difference_jpy_mn=0.0, agrees=True)


def positions() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "holder_id": ["japan", "poland"],
            "holder": ["Japan", "Poland"],
            "kind": "country",
            "month": pd.Timestamp("2026-04-01"),
            "total_usd_mn": [1_209_854.0, float("nan")],
            "long_term_usd_mn": [1_000_000.0, 60_000.0],
            "short_term_usd_mn": [209_854.0, float("nan")],
            "source": ["slt_table3", None],
        }
    )


def holder_months() -> pd.DataFrame:
    months = pd.DataFrame(
        {
            "holder_id": ["japan", "japan", "poland"],
            "month": pd.to_datetime(["2024-04-01", "2024-05-01", "2024-05-01"]),
            "change_usd_mn": [-40_921.0, -20_141.0, float("nan")],
            "net_purchases_usd_mn": [-11_830.0, -23_870.0, float("nan")],
            "valuation_usd_mn": [-29_824.0, 7_252.0, 12.0],
            "other_usd_mn": [733.0, -3_523.0, float("nan")],
            "series_break": [False, False, True],
            "both_bases": False,
        }
    )
    return checks.decomposition(months, KINDS)


def some_figures(value: float = 839_559.0, series: str = "japan_reserves_securities") -> pd.DataFrame:
    """What is wrong with one figure of Japan's reserves: nothing, so no row, as long as it is as declared."""
    figures = pd.DataFrame({"series_id": [series], "date": pd.Timestamp("2026-08-01"), "value": value, "line": 33})
    return declared_facts.in_bounds(figures, "value", DECLARATIONS.source("japan_reserves"))


GOOD: dict[tuple[str, str], Callable[[], pd.DataFrame]] = {
    ("parsed", "observations"): prepared,
    ("parsed", "coverage"): a_coverage,
    ("parsed", "magnitude"): a_magnitude,
    ("parsed", "fx"): an_fx,
    ("parsed", "fed_custody"): some_custody,
    ("parsed", "surveys"): a_survey,
    ("parsed", "intervention_periods"): a_period,
    ("publish", "intervention_periods"): a_period_and_its_days,
    ("parsed", "bounds"): some_figures,
    ("parsed", "release"): a_release,
    ("parsed", "rhythm"): a_rhythm,
    ("parsed", "second_source"): a_second_source,
    ("parsed", "zeros"): no_zeros,
    ("parsed", "totals"): a_total,
    ("publish", "totals"): a_total,
    ("publish", "table3_against_table5"): an_agreement,
    ("publish", "table3_against_table1"): an_agreement_with_table1,
    ("publish", "table3_against_history"): a_history,
    ("publish", "leaps"): some_leaps,
    ("publish", "corrections"): a_correction,
    ("publish", "fx"): no_disagreement,
    ("publish", "freshness"): a_freshness,
    ("publish", "positions"): positions,
    ("publish", "holder_months"): holder_months,
}


def cell(column: str, value: object, row: int = 0) -> Callable[[pd.DataFrame], pd.DataFrame]:
    def spoil(frame: pd.DataFrame) -> pd.DataFrame:
        values = frame[column].astype(object) if frame[column].dtype.kind in "bOU" else frame[column].copy()
        values.iloc[row] = value
        return frame.assign(**{column: values})

    return spoil


def doubled(frame: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([frame, frame.iloc[[0]]], ignore_index=True)


def emptied(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.iloc[:0]


def as_text(column: str) -> Callable[[pd.DataFrame], pd.DataFrame]:
    return lambda frame: frame.assign(**{column: frame[column].astype(str)})


PARSED, COVERAGE, MAGNITUDE, FX = (("parsed", s) for s in ("observations", "coverage", "magnitude", "fx"))
TOTALS, TABLES, HISTORY = (("publish", s) for s in ("totals", "table3_against_table5", "table3_against_history"))
OF_TABLE1 = ("publish", "table3_against_table1")
RELEASE, CORRECTIONS, RATES = ("parsed", "release"), ("publish", "corrections"), ("publish", "fx")
LEAPS, FRESH, POSITIONS = (("publish", s) for s in ("leaps", "freshness", "positions"))
MONTHS = ("publish", "holder_months")
SURVEYS = ("parsed", "surveys")
CUSTODY = ("parsed", "fed_custody")
TOTALS_OF_PERIODS, PERIODS_AND_DAYS = ((gate, "intervention_periods") for gate in ("parsed", "publish"))
RHYTHM, SECOND, ZEROS, SUMS = (("parsed", s) for s in ("rhythm", "second_source", "zeros", "totals"))
NEWEST = 11  # the last of the twelve months
GRAND_TOTAL = 0  # first of the two holders in the order of coverage

BAD = [
    (PARSED, "the file states at least 20 figures", lambda frame: frame.iloc[:19]),
    (PARSED, "every figure has a source", cell("source", None)),
    (PARSED, "every source is declared", cell("source", "slt_table9")),
    (PARSED, "every figure has a holder", cell("holder_id", None)),
    (PARSED, "every holder is in the reference", cell("holder_id", "atlantis")),
    (PARSED, "every figure has a month", cell("month", pd.NaT)),
    (PARSED, "months are dates", as_text("month")),
    (PARSED, "months are first days of months", cell("month_is_first", False)),
    (PARSED, "every figure has a measure", cell("measure", None)),
    (PARSED, "every measure is declared", cell("measure", "total")),
    (PARSED, "every figure has a survey basis", cell("series", None)),
    (PARSED, "a figure is stated once", doubled),
    (PARSED, "figures are numbers", as_text("value_usd_mn")),
    (PARSED, "positions and gross transactions are not negative", cell("unsigned_usd_mn", -0.1)),
    (COVERAGE, "the file covers at least one holder", emptied),
    (COVERAGE, "the Grand Total has no gap", cell("gap", 1, GRAND_TOTAL)),
    (COVERAGE, "no holder has a gap", cell("gap", 1, 1)),
    (MAGNITUDE, "one figure is compared", emptied),
    (MAGNITUDE, "the unit is the declared one", cell("within", False)),
    (MAGNITUDE, "the compared figure is known", cell("within", None)),
    (FX, "the file states at least one rate", emptied),
    (FX, "every rate has a currency", cell("currency", None)),
    (FX, "every rate has a day", cell("date", pd.NaT)),
    (FX, "a currency has one rate a day", doubled),
    (FX, "rates are above zero", cell("per_usd", 0.0)),
    (SURVEYS, "no country holds more than there is", cell("value_usd_mn", 7_700_000_000.0, row=1)),
    (CUSTODY, "custody is counted in millions of dollars", cell("value_usd_mn", 2_636.9)),
    (TOTALS_OF_PERIODS, "a period is about a month long", cell("days", 91)),
    (TOTALS_OF_PERIODS, "a month's interventions are below 100 trillion yen", cell("amount_jpy_mn", 1.5e10)),
    (PERIODS_AND_DAYS, "the days of interventions add up to the period's total", cell("agrees", False)),
    (("parsed", "bounds"), "every series is declared", lambda _: some_figures(series="japan_gold")),
    (
        ("parsed", "bounds"),
        "every figure is within the bounds of its series",
        lambda _: some_figures(839_559_000_000.0),
    ),
    (RHYTHM, "a series comes as often as declared", cell("as_declared", False)),
    (RHYTHM, "a daily series rests at the weekend", cell("on_weekdays", False)),
    (SECOND, "most rates are within 20% of the second source", cell("mostly_apart", True)),
    (SECOND, "every rate is within 20% of the second source", cell("some_apart", True)),
    (ZEROS, "no zero stands where billions stood", lambda _: zeros(1)),
    (ZEROS, "no more than three holders of billions fall to zero in a month", lambda _: zeros(4)),
    (SUMS, "every month of the file adds up", cell("agrees", False, 0)),
    (RELEASE, "the file is not older than what is known", cell("older", True)),
    (RELEASE, "no holder is dropped", cell("dropped", 1)),
    (RELEASE, "at most a fifth of the figures older than two years changed", cell("old_changed_pct", 20.1)),
    (CORRECTIONS, "every corrected upstream error is still there", cell("still_wrong", False)),
    (RATES, "H.10 and the ECB cross agree within 1%", lambda frame: pd.DataFrame({"currency": ["JPY"]})),
    (TOTALS, "the newest month of Table 5 adds up", cell("agrees", False, NEWEST)),
    (TOTALS, "every month adds up", cell("agrees", False, 0)),
    (TABLES, "Table 3 and Table 5 of one release agree", cell("difference_usd_mn", -200.0)),
    (
        TABLES,
        "Table 3 and Table 5 of two releases agree",
        lambda frame: frame.assign(same_release=False, difference_usd_mn=200.0),
    ),
    (OF_TABLE1, "Table 3 and Table 1 of one release agree", cell("difference_usd_mn", -2.0)),
    (
        OF_TABLE1,
        "Table 3 and Table 1 of two releases agree",
        lambda frame: frame.assign(same_release=False, difference_usd_mn=2.0),
    ),
    (HISTORY, "the history of holders agrees with Table 3", cell("difference_usd_mn", 1_500.0)),
    (
        HISTORY,
        "the history of the official sector agrees with Table 3",
        lambda frame: frame.assign(holder_id="foreign_official", difference_usd_mn=-14_900.0),
    ),
    (LEAPS, "no position moved by a factor near 1,000", cell("leap", True)),
    (FRESH, "no source is stale", cell("stale", True)),
    (FRESH, "the age of every source is known", cell("stale", None)),
    (POSITIONS, "there are positions", emptied),
    (POSITIONS, "a holder has one position a month", doubled),
    (POSITIONS, "every position has a holder", cell("holder_id", None)),
    (POSITIONS, "every holder of a position is in the reference", cell("holder_id", "atlantis")),
    (POSITIONS, "every position has a holder's name", cell("holder", None)),
    (POSITIONS, "every position has a month", cell("month", pd.NaT)),
    (POSITIONS, "every position has a known kind", cell("kind", "planet")),
    (POSITIONS, "no position lacks its kind", cell("kind", None)),
    (POSITIONS, "every total says its source", cell("source", None)),
    (POSITIONS, "total positions are not negative", cell("total_usd_mn", -1.0)),
    (POSITIONS, "long-term positions are not negative", cell("long_term_usd_mn", -1.0)),
    (POSITIONS, "short-term positions are not negative", cell("short_term_usd_mn", -1.0)),
    (MONTHS, "a holder has one row a month", doubled),
    (MONTHS, "the change is net purchases, valuation and other changes", cell("residual_usd_mn", 2.0)),
    (MONTHS, "only countries are ranked", cell("kind", "aggregate")),
    (MONTHS, "every ranked holder has a kind", cell("kind", None)),
    (MONTHS, "no change crosses a series break that was published on one basis only", cell("change_usd_mn", 5.0, 2)),
]
NOT_BLOCKING = {
    "the days of interventions add up to the period's total",
    "every rate is within 20% of the second source",
    "no zero stands where billions stood",
    "every month of the file adds up",
    "the file is not older than what is known",
    "no holder is dropped",
    "at most a fifth of the figures older than two years changed",
    "every corrected upstream error is still there",
    "H.10 and the ECB cross agree within 1%",
    "no holder has a gap",
    "every month adds up",
    "Table 3 and Table 5 of two releases agree",
    "Table 3 and Table 1 of one release agree",
    "Table 3 and Table 1 of two releases agree",
    "the history of holders agrees with Table 3",
    "the history of the official sector agrees with Table 3",
    "no source is stale",
    "the age of every source is known",
}
