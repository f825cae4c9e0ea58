"""The backtest: what it counts, and that the rules do as well as recorded."""

from __future__ import annotations

import tomllib
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from tests.transforms.findings.test_flagged_months import RULES, history
from treasury_watch.flows.commands import backtest
from treasury_watch.transforms.backtest.scoring import judged, known_episodes, scored
from treasury_watch.transforms.errors import ConfigurationError
from treasury_watch.transforms.findings.detection import OFFICIAL
from treasury_watch.transforms.findings.rules.flagged_months import sell_offs
from treasury_watch.warehouse.declarations import Declarations
from treasury_watch.warehouse.home.folders import Home
from treasury_watch.warehouse.installation import Warehouse
from treasury_watch.warehouse.tables.findings_as_known import findings_of

OFFICIAL_FILES = Path(__file__).resolve().parents[3] / ".." / "shared" / "official" / "tic"
HOLDINGS = ("mfh.txt", "mfhhis01.txt", "s1_globl.txt", "slt3d_globl.csv", "slt_table3.txt", "slt_table5.txt")
REQUIRED = [
    ("japan", "2022-09"), ("japan", "2022-10"), ("japan", "2024-04"), ("japan", "2024-05"), ("japan", "2024-06"),
    ("russia", "2018-04"), ("russia", "2018-05"), ("saudi_arabia", "2020-03"), ("saudi_arabia", "2020-04"),
    ("china_mainland", "2015-12"), ("china_mainland", "2016-10"), ("china_mainland", "2025-07"),
]  # fmt: skip
MOST_A_YEAR = 24


def episode(start: str, end: str, expected: str, holder: str = "japan") -> dict:
    months = {"start": pd.Timestamp(f"{start}-01"), "end": pd.Timestamp(f"{end}-01")}
    return {"name": start, "holder_id": holder, "expected": expected, "set": "test", **months}


def finding(start: str, end: str, verdict: str, rule: str = "fall") -> dict:
    months = {"start_month": pd.Timestamp(f"{start}-01"), "end_month": pd.Timestamp(f"{end}-01")}
    return {
        "holder_id": "japan",
        "rule": rule,
        "of": RULES["rules"][rule]["of"],
        "severity": "warning",
        "verdict": verdict,
        **months,
    }


def judge(episodes: list[dict], findings: list[dict]) -> pd.DataFrame:
    months = history(1_000_000, [-30_000.0] * 11)
    months[["net_purchases_usd_mn", "net_long_term_usd_mn"]] = -30_000.0
    months[["net_short_term_usd_mn", "valuation_usd_mn", "other_usd_mn"]] = 0.0
    none = pd.DataFrame(columns=[*finding("2022-02", "2022-02", "sold")])
    return judged(pd.DataFrame(episodes), pd.DataFrame(findings) if findings else none, months, RULES)


def test_a_flagged_month_finds_its_episode_with_its_verdict():
    (row,) = judge([episode("2022-03", "2022-03", "sold")], [finding("2022-03", "2022-03", "repriced")]).to_dict(
        "records"
    )
    assert (row["found"], row["verdict"], row["right"]) == (True, "repriced", False)


def test_a_run_finds_an_episode_inside_it_and_the_episodes_own_figures_give_the_verdict():
    (row,) = judge([episode("2022-03", "2022-03", "sold")], [finding("2022-02", "2022-04", "mixed")]).to_dict("records")
    assert (row["found"], row["verdict"], row["right"]) == (True, "sold", True)


def test_a_run_that_was_complete_too_late_finds_nothing():
    assert not judge([episode("2022-03", "2022-03", "sold")], [finding("2022-02", "2022-06", "sold")])["found"].item()


def test_recall_is_of_sales_and_precision_of_what_was_called_sold():
    known = [
        episode("2022-02", "2022-02", "sold|mixed"),
        episode("2022-04", "2022-04", "sold"),
        episode("2022-06", "2022-06", "repriced|none"),
        episode("2022-08", "2022-08", "none"),
        episode("2010-01", "2010-01", "sold"),  # no data
    ]
    found = [
        finding("2022-02", "2022-02", "mixed"),
        finding("2022-06", "2022-06", "sold"),
        finding("2022-08", "2022-08", "unexplained"),
    ]
    score = scored(judge(known, found))
    assert (score["episodes"], score["look_alikes"], score["unexplained"]) == (2, 2, 1)
    assert (score["recall"], score["precision"], score["verdict_accuracy"]) == (0.5, 0.0, 0.5)


def test_a_flagged_month_does_not_depend_on_what_came_after():
    months = history(1_000_000, [1_000.0, -1_000.0] * 8 + [-40_000.0, 9_000.0, -45_000.0, 2_000.0])
    whole = sell_offs(months, RULES)
    assert len(whole) == 2
    for month in months["month"]:
        then = sell_offs(months[months["month"] <= month], RULES)
        known = whole[whole["month"] <= month]
        columns = ["month", "rule", "score", "share_pct", "severity", "verdict"]
        assert then[columns].to_numpy().tolist() == known[columns].to_numpy().tolist()


def test_the_record_has_enough_sales_and_look_alikes_with_citations_in_both_sets(declarations: Declarations):
    known = known_episodes(declarations.rows("known_episodes.csv"))
    sale = known["expected"].str.contains("sold")
    assert sale.sum() >= 20
    assert (~sale).sum() >= 10
    assert known["citation"].str.len().gt(10).all()
    assert set(known["holder_id"]) <= {row["holder_id"] for row in declarations.holders}
    assert (known["end"] >= known["start"]).all()
    assert known.groupby("set").size().min() >= 15


def test_a_known_episode_that_cannot_be_read_is_refused(declarations: Declarations, tmp_path: Path):
    for file in declarations.folder.iterdir():
        if file.is_file():
            (tmp_path / file.name).write_bytes(file.read_bytes())
    path = tmp_path / "known_episodes.csv"
    path.write_text(path.read_text(encoding="utf-8").replace("2024-05,2024-05", "May 2024,2024-05"), encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"known_episodes\.csv"):
        known_episodes(Declarations(tmp_path).rows("known_episodes.csv"))


def test_a_fallen_score_is_named_and_an_unknown_one_has_fallen():
    result = backtest.Backtest(pd.DataFrame(), {"test": {"recall": 0.5, "precision": float("nan")}}, {}, [], 0)
    assert backtest.fallen(result, {"test": {"recall": 0.5}}) == []
    assert backtest.fallen(result, {"test": {"recall": 0.6}}) == ["test, recall: 0.500, recorded 0.600"]
    assert len(backtest.fallen(result, {"test": {"precision": 0.1}})) == 1


def test_the_sample_scores_what_it_covers(loaded_sample: Path, declarations: Declarations):
    with duckdb.connect(str(loaded_sample / "treasury.duckdb"), read_only=True) as connection:
        result = backtest.run(connection, declarations)
    covered = result.items[result.items["covered"]]
    assert {"Japan, April 2024: prices", "Japan, May 2024", "Japan, June 2024"} <= set(covered["name"])
    japan = covered[covered["name"].isin(["Japan, April 2024: prices", "Japan, May 2024", "Japan, June 2024"])]
    assert dict(zip(japan["name"], japan["verdict"], strict=True)) == {
        "Japan, April 2024: prices": "repriced",
        "Japan, May 2024": "sold",
        "Japan, June 2024": "sold",
    }
    assert covered["right"].dropna().all()
    text = "\n".join(backtest.lines(result))
    assert "all others on the current vintage" in text
    assert "no data" in text


@pytest.fixture(scope="module")
def official(tmp_path_factory: pytest.TempPathFactory) -> duckdb.DuckDBPyConnection:
    """The complete official files without the Continuous SLT, published."""
    if not OFFICIAL_FILES.is_dir():
        pytest.skip("the official files are not beside the project")
    declarations = Declarations()
    warehouse = Warehouse(Home(tmp_path_factory.mktemp("official")), declarations)
    now = datetime(2026, 7, 1, 12, tzinfo=UTC)
    with warehouse.session("ingest", today=date(2026, 7, 1)) as session:
        for path in (OFFICIAL_FILES / name for name in HOLDINGS):
            session.loader.load(path.read_bytes(), url=path.resolve().as_uri(), retrieved=now)
        session.publish()
    return duckdb.connect(str(warehouse.home.database), read_only=True)


@pytest.mark.official
@pytest.mark.slow
def test_the_rules_do_as_well_as_recorded_without_the_continuous_slt(official, declarations: Declarations):
    recorded = tomllib.loads((declarations.folder / "backtest.toml").read_text(encoding="utf-8"))["recorded"]
    result = backtest.run(official, declarations)
    assert backtest.fallen(result, recorded) == []
    assert max(result.per_year.values()) <= MOST_A_YEAR


@pytest.mark.official
@pytest.mark.slow
def test_the_default_rules_flag_what_they_must(official, declarations: Declarations):
    flagged, runs = findings_of(official, declarations.rules)
    for holder, text in REQUIRED:
        month = pd.Timestamp(f"{text}-01")
        inside = (runs["holder_id"] == holder) & (runs["start_month"] <= month) & (runs["end_month"] >= month)
        assert ((flagged["holder_id"] == holder) & (flagged["month"] == month)).any() or inside.any(), (holder, text)
    june = flagged[(flagged["holder_id"] == "japan") & (flagged["month"] == "2024-06-01")]
    assert june[["verdict", "instrument"]].to_numpy().tolist() == [["sold", "bonds"]]
    tether = flagged[(flagged["holder_id"] == "british_virgin_islands") & (flagged["month"] == "2025-03-01")]
    assert set(zip(tether["verdict"], tether["counterpart"], strict=True)) == {("moved", "El Salvador")}
    assert (flagged["holder_id"] == OFFICIAL).any()
