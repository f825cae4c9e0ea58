"""The tables of nowcasts: what they are held against, what is kept as it was made, and when they are made again."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest

from tests.warehouse.literal_database import LiteralDatabase
from treasury_watch.warehouse.declarations import Declarations
from treasury_watch.warehouse.home.state import State
from treasury_watch.warehouse.tables.early import nowcasts
from treasury_watch.warehouse.tables.early.nowcasts import PRINTS, keep, make, open_nowcasts

JULY = pd.Timestamp("2026-07-01")


def estimate(usd_mn: float, made: str = "2026-09-10", month: pd.Timestamp = JULY) -> pd.DataFrame:
    row: dict[str, Any] = {
        **{"target": "official_holdings", "month": month, "made": pd.Timestamp(made), "made_on": "today"},
        **{"due": date(2026, 9, 16), "estimate_usd_mn": usd_mn, "low_usd_mn": usd_mn - 30_000.0, "high_usd_mn": None},
        **{"learned_until": pd.Timestamp("2026-06-01"), "model": "level 1.0"},
    }
    return pd.DataFrame([row])


@pytest.fixture
def state(tmp_path: Path) -> State:
    return State(tmp_path / "state.sqlite")


def test_a_nowcast_that_was_made_is_never_changed(state):
    keep(state, "official_holdings", estimate(-50_000.0))
    kept = keep(state, "official_holdings", estimate(-10_000.0))  # a second one of the same day
    assert list(kept["estimate_usd_mn"]) == [-50_000.0]


def test_a_nowcast_of_a_later_day_stands_beside_the_earlier_one_where_it_differs(state):
    keep(state, "official_holdings", estimate(-50_000.0))
    keep(state, "official_holdings", estimate(-50_000.2, made="2026-09-11"))
    kept = keep(state, "official_holdings", estimate(-45_000.0, made="2026-09-12"))
    assert [f"{day:%d}" for day in kept["made"]] == ["10", "12"]
    assert set(kept["nowcast_basis"]) == {"made"}
    assert list(kept["due"]) == [date(2026, 9, 16)] * 2


def test_what_was_made_survives_a_new_set_of_tables_and_travels_with_the_state(state, tmp_path):
    keep(state, "official_holdings", estimate(-50_000.0))
    elsewhere = State(tmp_path / "other.sqlite")
    state.copy_to(tmp_path / "copy.sqlite")
    elsewhere.take_over(tmp_path / "copy.sqlite", own=[])
    assert len(keep(elsewhere, "official_holdings", estimate(-1.0))) == 1


def prints(database: duckdb.DuckDBPyConnection) -> dict[date, dict[str, Any]]:
    rows = database.execute(PRINTS, {"holder": "foreign_official"}).df().to_dict("records")
    return {row["month"].date(): {str(name): value for name, value in row.items()} for row in rows}


def official(database: LiteralDatabase, month: str, position: float, change: float | None) -> None:
    database.add("aggregate_months", holder_id="foreign_official", kind="aggregate", month=date.fromisoformat(month),
                 position_usd_mn=position, change_usd_mn=change)  # fmt: skip


def test_holdings_are_held_against_their_first_print_where_that_is_kept_and_say_so_where_not(declarations):
    database = LiteralDatabase(declarations)
    official(database, "2026-05-01", 3_845_900, -58_600)
    official(database, "2026-06-01", 3_778_100, -67_800)
    database.add("first_prints", source="slt_table5", holder_id="foreign_official", month=date(2026, 6, 1),
                 measure="total_position", series="XIII", first_print_usd_mn=3_780_000,
                 first_printed=date(2026, 8, 17))  # fmt: skip
    for value, released, superseded in (
        (3_850_000, date(2026, 7, 14), date(2026, 8, 17)),
        (3_849_000, date(2026, 8, 17), None),
    ):
        database.add("observations", source="slt_table5", holder_id="foreign_official", month=date(2026, 5, 1),
                     measure="total_position", series="XIII", value_usd_mn=value,
                     released=released, superseded=superseded)  # fmt: skip
    found = prints(database.connection)
    may, june = found[date(2026, 5, 1)], found[date(2026, 6, 1)]
    assert (may["change_print_usd_mn"], may["change_basis"]) == (-58_600, "latest_vintage")
    assert (june["change_print_usd_mn"], june["change_basis"]) == (3_780_000 - 3_849_000, "first_print")


def test_net_purchases_are_held_against_bonds_and_bills_as_the_press_release_first_printed_them(declarations):
    database = LiteralDatabase(declarations)
    official(database, "2025-11-01", 3_912_314, 45_684)
    for released, bonds, bills, basis in (
        (date(2026, 1, 15), 33_200, -600, "first_print"),
        (date(2026, 2, 18), 30_000, 0, None),
    ):
        database.add("official_flows", month=date(2025, 11, 1), released=released, net_long_term_official_usd_mn=bonds,
                     net_short_term_official_usd_mn=bills, first_print_basis=basis)  # fmt: skip
    row = prints(database.connection)[date(2025, 11, 1)]
    assert (row["flow_print_usd_mn"], row["flow_basis"]) == (32_600, "first_print")


def test_the_tables_are_taken_from_the_last_publication_where_nothing_they_depend_on_changed(
    declarations, state, tmp_path
):
    published = tmp_path / "treasury.duckdb"
    make_in(published, declarations, state, published)
    with duckdb.connect(str(published)) as connection:  # what a replay would not say
        connection.execute(
            "INSERT INTO nowcasts (target, month, made) VALUES ('mark', DATE '2026-07-01', DATE '2026-09-10')"
        )
    assert make_in(tmp_path / "second.duckdb", declarations, state, published) == 1
    changed = [("WMTSECL1", date(2026, 6, 24), 2_636_947)]
    assert make_in(tmp_path / "third.duckdb", declarations, state, published, changed) == 0


def make_in(path: Path, declarations: Declarations, state: State, published: Path, custody: list | None = None) -> int:
    """Make the tables in a database of nothing but custody; the number of rows of `nowcasts`."""
    literal = LiteralDatabase(declarations)
    for series, day, value in custody or []:
        literal.add("signals", series_id=series, date=day, value=value, known_from=day + timedelta(days=1))
    connection = literal.connection
    for name in nowcasts.TABLES:
        connection.execute(f"DROP TABLE {name}")
    make(connection, declarations, state, date(2026, 9, 10), published)
    rows: int = connection.execute("SELECT count(*) FROM nowcasts").fetchall()[0][0]
    connection.execute(f"ATTACH '{path}' AS file")
    for name in nowcasts.TABLES:
        connection.execute(f"CREATE TABLE file.{name} AS FROM {name}")
    connection.close()
    return rows


def test_open_months_are_those_after_the_newest_that_is_out(declarations):
    database = LiteralDatabase(declarations)
    official(database, "2026-07-01", 3_773_100, -5_000)
    for month, made in (("2026-07-01", "2026-09-10"), ("2026-08-01", "2026-09-10"), ("2026-08-01", "2026-09-17")):
        database.add("nowcasts", target="official_holdings", month=date.fromisoformat(month), made=date.fromisoformat(made),
                     nowcast_basis="made", estimate_usd_mn=-50_000)  # fmt: skip
    rows = open_nowcasts(database.connection)
    assert [(row["month"], row["made"]) for row in rows] == [(date(2026, 8, 1), date(2026, 9, 17))]
