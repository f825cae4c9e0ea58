"""What is told of a month before its release, on which day, and what the release makes of it."""

from datetime import date
from itertools import pairwise
from typing import Any

import pandas as pd
import pytest

from tests.transforms.signals.japan_months import MONTHS
from tests.transforms.signals.test_japan import DUE, JAPAN, TOTALS, known, made  # noqa: F401 (fixtures)
from treasury_watch.transforms.signals.early.early_signals import Stated, early_signals
from treasury_watch.transforms.signals.early.japan import Reserves
from treasury_watch.transforms.signals.early.officials import Read, official_signal
from treasury_watch.transforms.signals.early.outcome import print_against_estimate, release_signal
from treasury_watch.transforms.signals.early.record import record_of_estimates, record_of_reserves
from treasury_watch.warehouse.declarations import Declarations

RULES = Declarations().rules
OFFICIAL = RULES["early_signals"]["official_holdings"]
MAY, JULY, AUGUST = date(2026, 5, 1), date(2026, 7, 1), date(2026, 8, 1)
ROW: dict[str, Any] = {
    **{"target": "official_holdings", "month": MAY, "made": date(2026, 6, 4), "due": date(2026, 7, 14)},
    **{"estimate_usd_mn": -58_475.4, "low_usd_mn": -85_113.7, "high_usd_mn": -31_837.1, "model": "level 13.8"},
    **{"learned_until": date(2026, 3, 1), "custody_change_usd_mn": -72_817.1, "price_term_usd_mn": -8_013.0},
}


def reserves() -> list[Reserves]:
    """What the ministry's file says: the change of every month, public on the seventh of the next one."""
    rows = [line.split()[:2] for line in MONTHS.split("\n") if line]
    levels = {date.fromisoformat(f"{month}-01"): float(level) for month, level in rows}
    months = list(levels)
    return [
        Reserves(after, levels[after] - levels[before], None, (after + pd.Timedelta(days=32)).replace(day=7))
        for before, after in pairwise(months)
    ]


def subjects(stated: Stated, *days: date) -> dict[date, list[str]]:
    """The subjects that are new on each of the days."""
    seen: set[str] = set()
    new: dict[date, list[str]] = {}
    for day in days:
        found = [item for item in early_signals(stated, RULES, day) if item.key not in seen]
        seen |= {item.key for item in found}
        new[day] = [item.title for item in found]
    return new


def stated(made: pd.DataFrame, newest: date, *months: str) -> Stated:  # noqa: F811
    """What is stated while `newest` is the last month out; the estimates of `months` are those of their first day."""
    rows = made[made["month"].isin([pd.Timestamp(f"{month}-01") for month in months])]
    first = rows.sort_values("made").drop_duplicates("month").to_dict("records")
    return Stated(
        due=lambda month: DUE.get(f"{month:%Y-%m}", date(2030, 1, 1)),
        newest={"japan": newest, "foreign_official": newest},
        estimates=[{str(name): value for name, value in row.items()} for row in first],
        reserves=reserves(),
        totals=TOTALS,
        japan={},
        claims_from_usd_mn={"japan_holdings": JAPAN.claims_from_usd_mn},
    )


def test_august_2026_is_told_by_the_interventions_and_then_by_the_raw_fall_of_the_reserves(made):  # noqa: F811
    days = [date(2026, 8, 7), date(2026, 8, 27), date(2026, 8, 28), date(2026, 9, 6), date(2026, 9, 7)]
    found = subjects(stated(made, date(2026, 6, 1)), *days)
    assert found == {
        **{day: [] for day in days},
        date(2026, 8, 28): [
            "No estimate yet: Japan intervened with ¥15.40 trillion, 30 Jul to 26 Aug 2026; Treasuries due 16 October"
        ],
        date(2026, 9, 7): [
            "No estimate yet: securities in Japan's reserves -$87.8bn in August 2026; Treasuries due 16 October"
        ],
    }


def test_with_the_whole_history_of_reserves_august_2026_is_an_estimate_from_the_raw_change(made):  # noqa: F811
    [_, august] = early_signals(stated(made, JULY, "2026-08"), RULES, date(2026, 9, 7))
    assert august.title == "Estimate: Japan's Treasuries -$89bn in August 2026 (80%: -116 to -62); due 16 October"
    assert august.lead.endswith("What prices did is not available: it is estimated from the raw change.")
    said = dict(august.sections)
    assert all(len(lines) == len(set(lines)) for lines in said.values())
    assert said["How such signals did so far"][0].startswith(
        "The record is of estimates that knew what prices did; this one does not"
    )
    assert "reaches beyond what it learned from" in said["What it does not know"][0]


def test_the_mail_of_7_september_says_what_prices_did_is_not_available_and_names_the_interventions(made):  # noqa: F811
    august = early_signals(stated(made, JULY), RULES, date(2026, 9, 7))[-1]
    assert august.key == "signal:japan:2026-08:japan_reserves"
    assert august.lead == (
        "Securities in Japan's reserves fell $87.8bn in August 2026, of which prices: not available. What Japan's "
        "Treasuries did is not known; the figures are due on 16 October 2026."
    )
    rests = dict(august.sections)["What it rests on"]
    assert rests[1] == "Japan intervened for ¥15.40 trillion from 30 July to 26 August 2026, public on 28 August 2026."


def test_april_2024_is_no_signal_and_may_is_one_on_31_may_and_an_estimate_on_7_june(made):  # noqa: F811
    days = [date(2024, 5, 7), date(2024, 5, 30), date(2024, 5, 31), date(2024, 6, 7)]
    found = subjects(stated(made, date(2024, 3, 1), "2024-04", "2024-05"), *days)
    assert found == {
        days[0]: [],  # 16.9 billion, more than all of it price
        days[1]: [],
        days[2]: [
            "No estimate yet: Japan intervened with ¥9.79 trillion, 26 Apr to 29 May 2024; Treasuries due 18 July"
        ],
        days[3]: ["Estimate: Japan's Treasuries -$37bn in May 2024 (80%: -65 to -10); due 18 July"],
    }


def test_nothing_is_told_of_months_that_are_out_or_of_a_holder_of_whom_no_month_is(made):  # noqa: F811
    assert early_signals(stated(made, AUGUST), RULES, date(2026, 10, 20)) == []
    unknown = Stated(due=lambda _: MAY, newest={}, estimates=[ROW], totals=TOTALS)
    assert early_signals(unknown, RULES, date(2026, 10, 20)) == []


def test_subject_and_first_sentence_say_what_how_much_how_sure_and_when_it_is_known():
    found = official_signal(ROW, OFFICIAL)
    assert found is not None
    assert found.title == "Estimate: foreign officials' Treasuries -$58bn in May 2026 (80%: -85 to -32); due 14 July"
    assert found.lead == (
        "Foreign official institutions' holdings of Treasuries probably fell by about $58bn in May 2026 "
        "(80%: -$85bn to -$32bn): an estimate of 4 June 2026; the figures are due on 14 July 2026."
    )
    assert found.severity == "warning"


def test_every_input_is_told_with_the_day_to_which_it_was_read():
    found = official_signal(ROW, OFFICIAL, reads={"custody": Read(date(2026, 6, 3), date(2026, 6, 4))})
    assert found is not None
    rests = dict(found.sections)["What it rests on"]
    assert rests[0] == (
        "Treasuries kept at the Fed for foreign officials: -$72.8bn over the month, at face value "
        "(to 3 June 2026, public on 4 June 2026)."
    )


def test_an_estimate_below_the_minimum_or_of_a_rise_is_not_told():
    assert official_signal(ROW | {"estimate_usd_mn": -39_999.0}, OFFICIAL) is None
    assert official_signal(ROW | {"estimate_usd_mn": 90_000.0}, OFFICIAL) is None


def test_an_estimate_of_figures_that_are_late_says_so():
    found = official_signal(ROW, OFFICIAL, day=date(2026, 7, 20))
    assert found is not None
    assert found.title.endswith("; due 14 July, late")
    assert "were due on 14 July 2026 and are not loaded" in found.lead


@pytest.mark.parametrize(
    ("printed", "title", "surprise"),
    [
        (-58_600.0, "-$58.6bn in May 2026; estimate of -$58bn confirmed", "a surprise of -$0.1bn, within the interval"),
        (-20_000.0, "-$20.0bn in May 2026; estimate of -$58bn confirmed in direction only", "of +$38.5bn, outside the"),
        (3_000.0, "+$3.0bn in May 2026; estimate of -$58bn withdrawn", "a surprise of +$61.5bn, outside the interval"),
    ],
)
def test_the_release_confirms_an_estimate_or_withdraws_it(printed, title, surprise):
    told = official_signal(ROW, OFFICIAL)
    assert told is not None
    found = release_signal("foreign_official", MAY, [told.told], {"change_usd_mn": printed}, date(2026, 7, 14))
    assert found is not None
    assert found.title == f"Released: foreign officials' Treasuries {title}"
    assert surprise in found.sections[0][1][0]
    assert found.thread == told.thread == "signal:foreign_official:2026-05"
    assert found.key == "signal:foreign_official:2026-05:released"


def test_a_release_without_the_figure_says_nothing_yet():
    told = official_signal(ROW, OFFICIAL)
    assert told is not None
    assert release_signal("foreign_official", MAY, [told.told], {"change_usd_mn": None}, None) is None


def test_interventions_and_reserves_of_one_month_have_one_answer():
    told = [
        {"of": "change_usd_mn", "made": "2026-05-29", "words": "interventions of ¥11.73 trillion"},
        {"of": "change_usd_mn", "made": "2026-06-08", "words": "a fall of $75.6bn in the securities in its reserves"},
    ]
    found = release_signal("japan", MAY, told, {"change_usd_mn": -66_789.0}, None)
    assert found is not None
    assert found.title == "Released: Japan's Treasuries -$66.8bn in May 2026; early signal borne out by a fall"
    assert len(found.sections[0][1]) == 2


def test_the_print_is_told_against_the_estimate_and_a_replayed_one_is_called_so():
    row = {**ROW, "made": date(2026, 7, 9), "print_usd_mn": -58_600.0, "nowcast_basis": "made"}
    assert print_against_estimate(row) == (
        "Foreign officials' holdings of Treasuries fell $58.6bn in May 2026, as published then; the estimate of 9 July was -$58bn "
        "(80%: -$85bn to -$32bn), a surprise of -$0.1bn, within the interval."
    )
    assert "an estimate replayed as of 9 July is -$58bn" in print_against_estimate(row | {"nowcast_basis": "replay"})


def test_the_record_counts_what_was_said_too_often_and_what_was_missed():
    months = pd.date_range("2026-01-01", periods=4, freq="MS")
    rows = [(-50_000, -60_000), (-45_000, 5_000), (10_000, -41_000), (20_000, 30_000)]
    scores = pd.DataFrame(
        [(m, "nowcast", e, p, p - e, abs(p - e) < 30_000) for m, (e, p) in zip(months, rows, strict=True)],
        columns=["month", "method", "estimate_usd_mn", "print_usd_mn", "error_usd_mn", "inside"],
    )
    lines = record_of_estimates(scores, "nowcast", 40_000, 0)
    assert lines[0].startswith("4 months, January 2026 to April 2026 (all replayed from what was public on the day)")
    assert "right sign in 50%" in lines[0]
    assert "50% of the 4 that had an 80% interval lay in it" in lines[0]
    assert lines[1:] == [
        "Of 2 estimates of -$40bn or lower 1 had the right sign; 1 of these months printed -$40bn or lower.",
        "Missed: 1 of the 2 months that printed -$40bn or lower.",
    ]
    [line] = record_of_reserves([(-75_563, -66_789), (-50_425, 1_000), (-5_000, 9_000)], 30_000)
    assert line.startswith("In 2 earlier months loaded these securities fell by $30bn or more")
    assert "Japan's Treasuries fell in 1 of 2." in line
