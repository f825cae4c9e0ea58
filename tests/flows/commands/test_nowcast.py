"""What `nowcast` prints: open months, a month's estimates, the record, and what is missing."""

from __future__ import annotations

from datetime import date
from typing import Any

import duckdb
import pytest

from tests.warehouse.literal_database import LiteralDatabase
from treasury_watch.flows.commands.answers.nowcast import lines
from treasury_watch.transforms.errors import TreasuryWatchError
from treasury_watch.warehouse.declarations import Declarations

JULY, AUGUST = date(2026, 7, 1), date(2026, 8, 1)


def nowcast(**changed: Any) -> dict[str, Any]:
    return {
        **{"target": "official_net_purchases", "month": AUGUST, "made": date(2026, 9, 10), "made_on": "today"},
        **{"nowcast_basis": "made", "due": date(2026, 10, 16), "estimate_usd_mn": -50_400.0, "low_usd_mn": -80_200.0},
        **{"high_usd_mn": -20_100.0, "learned_until": JULY, "custody_change_usd_mn": -72_800.0, "model": "level 8.4"},
        **changed,
    }


@pytest.fixture
def database(declarations) -> LiteralDatabase:
    found = LiteralDatabase(declarations)
    found.add("aggregate_months", holder_id="foreign_official", kind="aggregate", month=JULY, position_usd_mn=3_773_100)
    found.add("holder_months", holder_id="japan", month=JULY, position_usd_mn=1_103_900)
    return found


def text(connection: duckdb.DuckDBPyConnection, month: date | None = None, *, with_scores: bool = False) -> str:
    return "\n".join(lines(connection, Declarations(), month, with_scores=with_scores))


def test_an_open_month_is_told_as_an_estimate_with_its_interval(database):
    database.add("nowcasts", **nowcast())
    assert (
        "August 2026 is not out; foreign official institutions probably sold about $50bn, net (80%: -$80bn to -$20bn)."
        in text(database.connection)
    )


def test_a_month_whose_release_was_due_is_not_called_unreleased(database):
    database.add("nowcasts", **nowcast(made=date(2026, 11, 28)))
    assert "August 2026 was due on 16 October 2026 and is not loaded; foreign official" in text(database.connection)


def test_a_small_estimate_of_japan_claims_no_sign(database):
    database.add("nowcasts", **nowcast(target="japan_holdings", estimate_usd_mn=-9_000.0))
    assert "nothing is said of Japan: its reserves tell large moves only (estimate -$9bn)" in text(database.connection)


def test_without_signals_of_an_open_month_it_says_how_far_they_reach(database):
    database.add("nowcasts", **nowcast(month=date(2026, 5, 1), nowcast_basis="replay"))
    assert text(database.connection) == (
        "No month can be estimated that is not out: the signals that are loaded reach May 2026, "
        "figures are out to July 2026."
    )


def test_a_month_shows_every_estimate_of_it_and_what_was_printed(database):
    database.add("nowcasts", **nowcast())
    database.add("nowcasts", **nowcast(made=date(2026, 10, 15), estimate_usd_mn=-44_000.0))
    database.add("nowcast_scores", target="official_net_purchases", month=AUGUST, method="nowcast", print_usd_mn=-60_000.0,
                 estimate_usd_mn=-44_000.0, error_usd_mn=-16_000.0, print_basis="first_print")  # fmt: skip
    shown = text(database.connection, AUGUST)
    assert "August 2026, made 2026-09-10: foreign official institutions probably sold about $50bn" in shown
    assert "August 2026, made 2026-10-15: foreign official institutions probably sold about $44bn" in shown
    assert "printed, official_net_purchases: -60.0 USD bn (first prints); print less estimate -16.0" in shown


def test_a_month_without_an_estimate_says_of_which_there_are(database):
    database.add("nowcasts", **nowcast())
    with pytest.raises(TreasuryWatchError, match="no estimate of 2031-01; nowcasts are kept of 2026-08 to 2026-08"):
        text(database.connection, date(2031, 1, 1))


def test_a_database_of_an_earlier_version_says_what_to_do(database):
    database.connection.execute("DROP TABLE nowcasts")
    with pytest.raises(TreasuryWatchError, match="run `treasury-watch rebuild`"):
        text(database.connection)


def test_the_record_stands_beside_its_rivals(database):
    for month, printed in ((JULY, -60_000.0), (AUGUST, 20_000.0)):
        for method, estimate, inside in (("nowcast", printed + 10_000, True), ("zero", 0.0, None)):
            database.add("nowcast_scores", target="official_holdings", month=month, method=method, print_usd_mn=printed,
                         estimate_usd_mn=estimate, error_usd_mn=printed - estimate, print_basis="latest_vintage",
                         inside=inside)  # fmt: skip
    shown = text(database.connection, with_scores=True)
    assert "official_holdings, 2026-07 to 2026-08, against 2 latest vintages: no first print is held:" in shown
    assert "nowcast, last before the release        2   0.94   100%      10.0    100%" in shown
    assert "rival: zero                             2  -0.25             40.0" in shown
