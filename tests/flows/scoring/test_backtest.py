"""The backtest as a command: known episodes, what it prints and checks, and that the rules do as well as recorded."""

from __future__ import annotations

import tomllib
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from tests.transforms.findings.test_flagged_months import RULES, history
from treasury_watch.flows.scoring import backtest, recorded_scores
from treasury_watch.transforms.backtest.known_episodes import judged, known_episodes, scored
from treasury_watch.transforms.backtest.labels import COLUMNS
from treasury_watch.transforms.backtest.scores import MEASURES, Share
from treasury_watch.transforms.errors import ConfigurationError
from treasury_watch.transforms.findings.detection import OFFICIAL
from treasury_watch.transforms.findings.rules.flagged_months import sell_offs
from treasury_watch.warehouse.declarations import Declarations
from treasury_watch.warehouse.home.folders import Home
from treasury_watch.warehouse.installation import Warehouse
from treasury_watch.warehouse.ledger.incoming.incoming_files import IncomingFile

OFFICIAL_FILES = Path(__file__).resolve().parents[3] / ".." / "shared" / "official" / "tic"
HOLDINGS = ("mfh.txt", "mfhhis01.txt", "s1_globl.txt", "slt3d_globl.csv", "slt_table3.txt", "slt_table5.txt")
LATER = ("newer/mfhhis01_2026-09-16.txt", "newer/slt_table5_2026-09-16.txt", "../fred/DGS2.csv", "../fred/DGS10.csv")
REQUIRED = [
    ("japan", "2022-09"), ("japan", "2022-10"), ("japan", "2024-04"), ("japan", "2024-05"), ("japan", "2024-06"),
    ("russia", "2018-04"), ("russia", "2018-05"), ("saudi_arabia", "2020-03"), ("saudi_arabia", "2020-04"),
    ("china_mainland", "2015-12"), ("china_mainland", "2016-10"), ("china_mainland", "2025-07"),
]  # fmt: skip
LABELLED = [
    ("saudi_arabia", "2020-03", "2020-03", "sale"), ("japan", "2022-09", "2022-10", "sale"),
    ("japan", "2024-06", "2024-06", "sale"), ("india", "2024-10", "2024-12", "sale"),
    ("japan", "2024-04", "2024-04", "price"), ("india", "2018-01", "2019-02", "unknown"),
    ("russia", "2018-04", "2018-04", "move"), ("russia", "2018-04", "2018-05", "move"),
    ("china_mainland", "2025-03", "2025-11", "move"), ("british_virgin_islands", "2025-03", "2025-03", "move"),
    ("united_kingdom", "2024-12", "2024-12", "pattern"), ("norway", "2025-10", "2025-10", "pattern"),
    *(("canada", month, month, "pattern") for month in ("2025-01", "2025-04", "2025-07", "2025-10", "2026-01", "2026-04")),
]  # fmt: skip


CUT = pd.Timestamp("2023-02-01")


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


def test_recall_is_of_known_sales_and_verdicts_of_what_was_told():
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
    assert (score["recall"], score["verdict_accuracy"]) == (0.5, 0.5)


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
    known = known_episodes(declarations.rows("known_episodes.csv"), CUT)
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
        known_episodes(Declarations(tmp_path).rows("known_episodes.csv"), CUT)


def test_every_label_can_be_read_and_says_what_decides(declarations: Declarations):
    labels, scored = backtest.stored(declarations), backtest.scored_months(declarations)
    assert list(labels) == COLUMNS
    assert set(labels["holder_id"]) <= {row["holder_id"] for row in declarations.holders}
    assert labels["end_month"].between(scored.first, scored.last).all()
    assert (labels["end_month"] >= labels["start_month"]).all()
    assert labels["evidence"].str.contains("bn").all()
    by_hand = labels["decided_by"] == "hand"
    assert (labels["evidence"].str.contains("By hand: ") == by_hand).all()
    assert labels["listed_for"].isin(["fall", "net sales"]).sum() == scored.unflagged_falls


def test_well_known_months_have_the_labels_that_the_figures_give_them(declarations: Declarations):
    labels = backtest.stored(declarations).set_index(["holder_id", "start_month", "end_month"])["label"]
    for holder, start, end, label in LABELLED:
        assert labels[holder, pd.Timestamp(start), pd.Timestamp(end)] == label, (holder, start, end)


def result(**shares: float) -> backtest.Backtest:
    """A backtest whose test set has these shares, of a hundred each, and no alarms."""
    scores = {name: Share(shares.get(name, 1.0), 0.0, 1.0, 100) for name in MEASURES}
    nothing = pd.DataFrame()
    episodes = {name: {"recall": 0.9, "verdict_accuracy": 1.0} for name in ("calibration", "test")}
    sets = {name: scores for name in ("calibration", "test", "all")}
    return backtest.Backtest(nothing, sets, {"warning": {2024: 25}, "critical": {}}, {}, {}, nothing, nothing, episodes)


SPRING = backtest.ScoredMonths(*map(pd.Timestamp, ("2024-04-01", "2024-05-01", "2023-02-01")), 0)
LIMITS = {"events_a_year": 25, "critical_events_a_year": 6, "critical_sales_pct": 90}


def test_the_check_names_scores_below_the_record_and_limits_that_are_passed():
    recorded = {"labels": {"test": {"precision": 0.6}}, "known_episodes": {"test": {"recall": 0.9}}}
    document = {"recorded": recorded, "limits": LIMITS}
    assert backtest.failures(result(precision=0.6), document) == []
    assert backtest.failures(result(precision=0.5), document) == ["test, precision: 0.500, recorded 0.600"]
    assert backtest.failures(result(critical_precision=0.5), document) == [
        "critical alarms that were sales: 50%, at least 90%"
    ]
    strict = {**document, "limits": {**LIMITS, "events_a_year": 24}}
    assert backtest.failures(result(), strict) == ["2024: 25 events at warning or above, at most 24"]
    recorded["known_episodes"]["test"]["recall"] = 0.95
    assert backtest.failures(result(), document) == ["known episodes, test, recall: 0.900, recorded 0.950"]


def test_what_is_recorded_is_a_floor_that_the_same_scores_reach():
    lines = list(recorded_scores.recorded(result(precision=0.66666)))
    document = {**tomllib.loads("\n".join(lines)), "limits": LIMITS}
    assert document["recorded"]["labels"]["test"]["precision"] == 0.666
    assert backtest.failures(result(precision=0.66666), document) == []


def test_recording_replaces_what_stands_between_the_marks_alone():
    text = "above\n# a\nold\n# b\nbelow\n"
    assert recorded_scores.replaced(text, ("# a", "# b"), iter(["new", ""])) == "above\n# a\nnew\n# b\nbelow\n"
    with pytest.raises(ConfigurationError, match="restore"):
        recorded_scores.replaced("no marks", ("# a", "# b"), iter([]))


def test_the_sample_is_marked_and_its_first_prints_are_compared(loaded_sample: Path, declarations: Declarations):
    with duckdb.connect(str(loaded_sample / "treasury.duckdb"), read_only=True) as connection:
        result = backtest.run(connection, declarations, SPRING)
    found = result.findings.set_index(["holder_id", "start_month", "end_month"])
    april = found.loc[("japan", pd.Timestamp("2024-04-01"), pd.Timestamp("2024-04-01"))]
    assert (april["verdict"], april["label"]) == ("repriced", "price")
    covered = result.episodes[result.episodes["covered"]].set_index("name")["verdict"]
    assert covered[["Japan, April 2024: prices", "Japan, May 2024", "Japan, June 2024"]].tolist() == [
        "repriced",
        "sold",
        "sold",
    ]
    text = "\n".join(backtest.lines(result))
    assert "fall over $10bn" in text
    assert "On first prints (2024-04" in text
    assert "no data" in text


@pytest.fixture(scope="module")
def official(tmp_path_factory: pytest.TempPathFactory) -> duckdb.DuckDBPyConnection:
    """The complete official files without the Continuous SLT, published."""
    if not OFFICIAL_FILES.is_dir():
        pytest.skip("the official files are not beside the project")
    declarations = Declarations()
    warehouse = Warehouse(Home(tmp_path_factory.mktemp("official")), declarations)
    now = datetime(2026, 11, 1, 12, tzinfo=UTC)
    with warehouse.session("ingest", today=date(2026, 11, 1)) as session:
        files = [OFFICIAL_FILES / name for name in (*HOLDINGS, *LATER)]
        for path in [*files, declarations.folder / "tic_press_releases.csv"]:
            session.loader.load(IncomingFile(path.read_bytes(), url=path.resolve().as_uri(), retrieved=now))
        session.publish()
    return duckdb.connect(str(warehouse.home.database), read_only=True)


@pytest.mark.official
@pytest.mark.long
def test_the_rules_do_as_well_as_recorded_without_the_continuous_slt(official, declarations: Declarations):
    document = declarations.toml(backtest.CONFIG)
    measured = backtest.run(official, declarations)
    assert backtest.failures(measured, document) == []


@pytest.mark.official
@pytest.mark.slow
def test_the_default_rules_flag_what_they_must(official_home):
    with duckdb.connect(str(official_home.database), read_only=True) as connection:
        flagged, runs = (connection.execute(f"FROM {table}").df() for table in ("sell_offs", "episodes"))
    for holder, text in REQUIRED:
        month = pd.Timestamp(f"{text}-01")
        inside = (runs["holder_id"] == holder) & (runs["start_month"] <= month) & (runs["end_month"] >= month)
        assert ((flagged["holder_id"] == holder) & (flagged["month"] == month)).any() or inside.any(), (holder, text)
    june = flagged[(flagged["holder_id"] == "japan") & (flagged["month"] == "2024-06-01")]
    assert june[["verdict", "instrument"]].to_numpy().tolist() == [["sold", "bonds"]]
    tether = flagged[(flagged["holder_id"] == "british_virgin_islands") & (flagged["month"] == "2025-03-01")]
    assert set(zip(tether["verdict"], tether["counterpart"], strict=True)) == {("moved", "El Salvador")}
    assert (flagged["holder_id"] == OFFICIAL).any()
