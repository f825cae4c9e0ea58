"""The ledger: only changes are stored, and what was known on a day can be read back."""

from datetime import date, datetime
from pathlib import Path

import pandas as pd
import pytest

from treasury_watch.transforms.kinds import KINDS
from treasury_watch.warehouse.ledger.vintages import Ledger, SchemaMismatch, Vintage

OBSERVATIONS = KINDS["observations"]
MAY, JUNE, JULY = date(2026, 5, 18), date(2026, 6, 18), date(2026, 7, 14)


@pytest.fixture
def ledger():
    with Ledger(":memory:") as opened:
        yield opened


def figures(**values: float | None) -> pd.DataFrame:
    """Japan's positions by month, e.g. m2026_04=1209900."""
    rows = [("japan", pd.Timestamp(f"{m[1:5]}-{m[6:]}-01"), "total_position", "XIII", v, 4) for m, v in values.items()]
    table = pd.DataFrame(rows, columns=["holder_id", "month", "measure", "series", "value_usd_mn", "line"])
    return table.astype({"month": "datetime64[us]", "value_usd_mn": "float64"})


def vintage(released: date, sha256: str = "a", source: str = "slt_table5") -> Vintage:
    day = date(2026, 4, 1)
    retrieved = datetime(2026, 7, 1)
    return Vintage(source, "slt_table5", released, "calendar", "release", sha256, day, day, 1, retrieved, "file:x", 9)


def stored(ledger: Ledger) -> list[tuple]:
    return ledger.connection.execute(
        "SELECT source, month, value_usd_mn, released, superseded, sha256 FROM observations "
        "ORDER BY source, month, released"
    ).fetchall()


def content(ledger: Ledger) -> dict[str, list[tuple]]:
    tables = ["vintages", *(kind.name for kind in KINDS.values())]
    return {t: ledger.connection.execute(f"SELECT * FROM {t} ORDER BY ALL").fetchall() for t in tables}


def test_only_changed_figures_are_stored(ledger):
    assert ledger.add(vintage(MAY), OBSERVATIONS, figures(m2026_02=1.0, m2026_03=2.0)) == 2
    assert ledger.add(vintage(JUNE, "b"), OBSERVATIONS, figures(m2026_02=1.0, m2026_03=2.5, m2026_04=3.0)) == 2
    february, march, april = date(2026, 2, 1), date(2026, 3, 1), date(2026, 4, 1)
    assert stored(ledger) == [
        ("slt_table5", february, 1.0, MAY, None, "a"),
        ("slt_table5", march, 2.0, MAY, JUNE, "a"),
        ("slt_table5", march, 2.5, JUNE, None, "b"),
        ("slt_table5", april, 3.0, JUNE, None, "b"),
    ]


def test_a_file_of_two_kinds_is_one_vintage_and_a_change_in_either_makes_another(ledger):
    securities = KINDS["securities"]
    positions, shares = figures(m2026_03=1.0), figures(m2026_03=10.0, m2026_04=11.0)
    assert ledger.add(vintage(MAY), OBSERVATIONS, positions, (securities, shares)) == 3
    assert ledger.add(vintage(JUNE, "b"), OBSERVATIONS, positions, (securities, shares)) == 0
    later = figures(m2026_03=10.0, m2026_04=12.0)
    assert ledger.add(vintage(JUNE, "b"), OBSERVATIONS, positions, (securities, later)) == 1
    query = "SELECT value_usd_mn, released, superseded FROM securities ORDER BY month, released"
    assert ledger.connection.execute(query).fetchall() == [(10, MAY, None), (11, MAY, JUNE), (12, JUNE, None)]
    assert ledger.connection.execute("SELECT released, changed_figures FROM vintages").fetchall() == [
        (MAY, 3),
        (JUNE, 1),
    ]
    assert len(stored(ledger)) == 1
    ledger.forget("slt_table5")
    assert not any(content(ledger).values())


def test_the_same_figures_again_are_no_vintage(ledger):
    ledger.add(vintage(MAY), OBSERVATIONS, figures(m2026_02=1.0, m2026_03=None))
    before = content(ledger)
    assert ledger.add(vintage(JUNE, "b"), OBSERVATIONS, figures(m2026_03=None, m2026_02=1.0)) == 0
    assert content(ledger) == before
    assert ledger.newest("slt_table5") == MAY


@pytest.mark.parametrize(("old", "new"), [(None, 2.0), (2.0, None)])
def test_a_figure_that_becomes_na_and_the_reverse_is_a_change(ledger, old, new):
    ledger.add(vintage(MAY), OBSERVATIONS, figures(m2026_02=old))
    assert ledger.add(vintage(JUNE, "b"), OBSERVATIONS, figures(m2026_02=new)) == 1
    assert [row[2:5] for row in stored(ledger)] == [(old, MAY, JUNE), (new, JUNE, None)]


def test_a_figure_that_a_release_no_longer_states_keeps_standing(ledger):
    ledger.add(vintage(MAY), OBSERVATIONS, figures(m2026_02=1.0))
    ledger.add(vintage(JUNE, "b"), OBSERVATIONS, figures(m2026_03=2.0))
    assert [row[4] for row in stored(ledger)] == [None, None]


def test_another_source_is_not_touched(ledger):
    ledger.add(vintage(MAY), OBSERVATIONS, figures(m2026_02=1.0))
    ledger.add(vintage(JUNE, "b", "mfhhis01"), OBSERVATIONS, figures(m2026_02=1.5))
    assert [(row[0], row[2], row[4]) for row in stored(ledger)] == [("mfhhis01", 1.5, None), ("slt_table5", 1.0, None)]


def test_of_two_states_of_one_day_only_the_later_is_kept(ledger):
    ledger.add(vintage(MAY), OBSERVATIONS, figures(m2026_02=1.0))
    ledger.add(vintage(JUNE, "b"), OBSERVATIONS, figures(m2026_02=2.0))
    ledger.add(vintage(JUNE, "c"), OBSERVATIONS, figures(m2026_02=3.0))
    assert [row[2:] for row in stored(ledger)] == [(1.0, MAY, JUNE, "a"), (3.0, JUNE, None, "c")]


def test_figures_are_compared_with_what_was_known_on_the_day_asked_for(ledger):
    ledger.add(vintage(MAY), OBSERVATIONS, figures(m2026_02=1.0))
    ledger.add(vintage(JUNE, "b"), OBSERVATIONS, figures(m2026_02=2.0))
    first, second = figures(m2026_02=1.0), figures(m2026_02=2.0)
    assert [ledger.conflicting("slt_table5", OBSERVATIONS, first, day) for day in (MAY, JUNE)] == [0, 1]
    assert [ledger.conflicting("slt_table5", OBSERVATIONS, second, day) for day in (MAY, JUNE)] == [1, 0]


def test_a_figure_new_to_the_source_does_not_conflict(ledger):
    ledger.add(vintage(MAY), OBSERVATIONS, figures(m2026_02=1.0))
    more = figures(m2026_02=1.0, m2026_03=2.0)
    assert ledger.conflicting("slt_table5", OBSERVATIONS, more, MAY) == 0


def test_a_release_is_restated_where_its_own_figures_differ_and_not_where_an_older_release_does(ledger):
    ledger.add(vintage(MAY), OBSERVATIONS, figures(m2026_02=1.0))
    ledger.add(vintage(JUNE, "b"), OBSERVATIONS, figures(m2026_03=2.0))
    complete, other = figures(m2026_02=1.5, m2026_03=2.0), figures(m2026_03=2.5)
    assert [ledger.restated("slt_table5", OBSERVATIONS, table, ["b"]) for table in (complete, other)] == [0, 1]


def test_a_figure_against_na_conflicts(ledger):
    ledger.add(vintage(MAY), OBSERVATIONS, figures(m2026_02=None))
    assert ledger.conflicting("slt_table5", OBSERVATIONS, figures(m2026_02=1.0), MAY) == 1


def test_a_crash_amid_an_addition_leaves_the_ledger_as_before(ledger, monkeypatch):
    ledger.add(vintage(MAY), OBSERVATIONS, figures(m2026_02=1.0))
    before = content(ledger)

    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(ledger, "_note", crash)
    with pytest.raises(KeyboardInterrupt):
        ledger.add(vintage(JUNE, "b"), OBSERVATIONS, figures(m2026_02=2.0))
    assert content(ledger) == before


def test_a_transaction_holds_the_ones_within_it(ledger):
    ledger.add(vintage(MAY), OBSERVATIONS, figures(m2026_02=1.0))
    before = content(ledger)

    def stop_half_way() -> None:
        with ledger.transaction():
            ledger.forget("slt_table5")
            ledger.add(vintage(JUNE, "b"), OBSERVATIONS, figures(m2026_02=2.0))
            raise ValueError("half way")

    with pytest.raises(ValueError, match="half way"):
        stop_half_way()
    assert content(ledger) == before


def test_forgetting_a_source_leaves_the_others(ledger):
    ledger.add(vintage(MAY), OBSERVATIONS, figures(m2026_02=1.0))
    ledger.add(vintage(MAY, "b", "mfhhis01"), OBSERVATIONS, figures(m2026_02=1.0))
    ledger.forget("slt_table5")
    assert [row[0] for row in stored(ledger)] == ["mfhhis01"]
    assert (ledger.newest("slt_table5"), ledger.newest("mfhhis01")) == (None, MAY)


def test_the_fingerprint_follows_vintages_and_their_days(ledger):
    seen = [ledger.fingerprint()]
    ledger.add(vintage(MAY), OBSERVATIONS, figures(m2026_02=1.0))
    seen.append(ledger.fingerprint())
    ledger.add(vintage(JUNE, "b"), OBSERVATIONS, figures(m2026_02=1.0))
    assert ledger.fingerprint() == seen[-1]
    ledger.forget("slt_table5")
    assert ledger.fingerprint() == seen[0]
    ledger.add(vintage(JUNE), OBSERVATIONS, figures(m2026_02=1.0))
    assert ledger.fingerprint() not in seen


def test_a_ledger_of_another_version_names_the_way_out(tmp_path: Path):
    with Ledger(tmp_path / "ledger.duckdb") as ledger:
        ledger.connection.execute("UPDATE meta SET schema_version = 99")
    with pytest.raises(SchemaMismatch, match=r"ledger\.duckdb: schema version 99.*treasury-watch rebuild"):
        Ledger(tmp_path / "ledger.duckdb")


def test_what_was_added_is_there_when_the_ledger_is_opened_again(tmp_path: Path):
    with Ledger(tmp_path / "ledger.duckdb") as ledger:
        ledger.add(vintage(MAY), OBSERVATIONS, figures(m2026_02=1.0))
        before = content(ledger)
    with Ledger(tmp_path / "ledger.duckdb") as ledger:
        assert content(ledger) == before
        assert ledger.vintage("slt_table5", "a") == (MAY, "calendar")
        assert ledger.vintage("slt_table5", "b") is None
