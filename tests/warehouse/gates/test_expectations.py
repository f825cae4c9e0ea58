"""The two gates, with Great Expectations itself."""

import re
import subprocess
import sys
import textwrap
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

from tests.warehouse.gates.validation_data import (
    BAD,
    DECLARATIONS,
    GOOD,
    KINDS,
    NOT_BLOCKING,
    a_coverage,
    a_freshness,
    an_fx,
    prepared,
    some_leaps,
)
from treasury_watch.transforms.errors import ConfigurationError, TreasuryWatchError
from treasury_watch.transforms.holders import identified
from treasury_watch.transforms.layouts import parse
from treasury_watch.transforms.quality import checks
from treasury_watch.warehouse.declarations import Declarations
from treasury_watch.warehouse.gates.expectations import Gates
from treasury_watch.warehouse.gates.results import Result, ValidationBlocked, blocking_failures
from treasury_watch.warehouse.gates.suites import Suites

SUITES = Suites(DECLARATIONS).declared
PROJECT = Path(__file__).resolve().parents[3]
UNASKED = SimpleNamespace(success=True, exception_info=None, result={})
OFFICIAL = PROJECT / ".." / "shared" / "official"


@pytest.fixture(scope="module")
def gates() -> Gates:
    return Gates(DECLARATIONS)


def failed(results: list[Result]) -> dict[str, Result]:
    return {result.expectation: result for result in results if not result.success}


@pytest.mark.parametrize(
    ("suite", "frame"), GOOD.items(), ids=lambda part: ".".join(part) if type(part) is tuple else ""
)
def test_good_data_pass_every_rule_of_their_suite(gates, suite, frame):
    results = gates.check(*suite, frame())
    assert failed(results) == {}
    assert [result.expectation for result in results] == [rule.name for rule in SUITES[suite].expectations]


@pytest.fixture(scope="module")
def judged(gates) -> Callable[[int], list[Result]]:
    """What Great Expectations finds in a spoilt frame, by its place in BAD: asked once, as it takes a tenth of a second."""

    @cache
    def results(place: int) -> list[Result]:
        suite, _, spoil = BAD[place]
        return gates.check(*suite, spoil(GOOD[suite]()))

    return results


SPOILT = pytest.mark.parametrize("place", range(len(BAD)), ids=[name for _, name, _ in BAD])


@SPOILT
def test_bad_data_fail_the_rule_made_for_them(judged, place):
    _, rule, _ = BAD[place]
    found = failed(judged(place))
    assert rule in found
    assert found[rule].blocking == (rule not in NOT_BLOCKING)
    assert found[rule].blocks == found[rule].blocking


@SPOILT
def test_what_is_told_of_a_spoilt_frame_without_great_expectations_is_what_it_found(gates, judged, place, monkeypatch):
    suite, rule, spoil = BAD[place]
    found = {result.expectation: result for result in judged(place)}
    asked: list[str] = []

    def run(_self, _suite, expectations, *_, **__):
        asked.extend(expectation.name for expectation in expectations)
        return {expectation.name: UNASKED for expectation in expectations}

    monkeypatch.setattr(Gates, "_run", run)
    with gates.quickly():
        told = gates.check(*suite, spoil(GOOD[suite]()))
    assert [result for result in told if result.expectation not in asked] == [
        found[result.expectation] for result in told if result.expectation not in asked
    ]
    assert (rule in asked) == (rule not in NOT_BLOCKING)  # whatever keeps a file back it judges itself


def test_every_declared_rule_is_shown_to_fail_by_a_test():
    declared = {(name, rule.name) for name, suite in SUITES.items() for rule in suite.expectations}
    assert declared == {(name, rule) for name, rule, _ in BAD}
    assert set(SUITES) == set(GOOD)


def test_a_failure_is_shown_with_its_count_and_at_most_five_rows_of_it(gates):
    frame = prepared()
    frame.loc[:6, "unsigned_usd_mn"] = -5.5
    result = failed(gates.check("parsed", "observations", frame))["positions and gross transactions are not negative"]
    assert result.observed.startswith(
        "7 of 24 rows unexpected (slt_table5 japan 2025-05 total_position XIII: label Japan,"
    )
    assert result.observed.count("unsigned_usd_mn -5.5") == 5
    assert result.observed.endswith("; and 2 more)")


def test_examples_are_the_rows_of_the_frame_whatever_its_index_and_the_row_condition(gates):
    frame = a_coverage().iloc[::-1].set_axis([70, 70]).assign(gap=[0, 3])
    result = failed(gates.check("parsed", "coverage", frame))["the Grand Total has no gap"]
    assert (
        "1 of 1 row unexpected (slt_table5 grand_total total_position XIII: gap 3, first_month 2025-05"
        in result.observed
    )


def test_a_table_level_rule_shows_what_it_saw(gates):
    result = failed(gates.check("parsed", "observations", prepared().iloc[:3]))["the file states at least 20 figures"]
    assert result.observed == "observed 3"


def test_a_table_that_should_be_empty_is_told_by_its_rows(gates):
    result = failed(gates.check("publish", "fx", an_fx()))["H.10 and the ECB cross agree within 1%"]
    assert result.observed == f"{len(an_fx())} rows, expected 0"


def test_that_the_unexpected_rows_are_unexpected_is_not_said_of_each(gates):
    result = failed(gates.check("publish", "freshness", a_freshness().assign(stale=True)))["no source is stale"]
    assert "unexpected" in result.observed
    assert "True" not in result.observed


def test_a_missing_column_is_a_blocking_failure_in_plain_words_and_leaves_other_rules_alone(gates):
    found = failed(gates.check("publish", "freshness", a_freshness().drop(columns="stale")))
    assert set(found) == {"no source is stale", "the age of every source is known"}
    assert all(result.blocks for result in found.values())
    assert found["no source is stale"].observed == (
        "the frame has no column stale; it has source, last_date, due_date, days_late"
    )


def test_an_exception_inside_a_rule_is_a_failure_in_one_line(gates):
    frame = prepared().assign(unsigned_usd_mn="text")
    result = failed(gates.check("parsed", "observations", frame))["positions and gross transactions are not negative"]
    assert result.observed.startswith("could not be checked: ")
    assert "\n" not in result.observed
    assert "Traceback" not in result.observed
    assert result.blocks


def test_what_was_checked_is_named_in_the_subject(gates):
    results = gates.check("parsed", "fx", an_fx(), of="fred:DEXJPUS")
    assert {result.subject for result in results} == {"fx of fred:DEXJPUS"}


def test_a_second_frame_is_judged_on_its_own(gates):
    assert failed(gates.check("publish", "leaps", some_leaps().assign(leap=True)))
    assert not failed(gates.check("publish", "leaps", some_leaps()))


def test_months_never_published_are_read_as_dates(gates):
    assert gates.absent_months("slt3d_globl") == [pd.Timestamp("2011-10-01"), pd.Timestamp("2011-11-01")]
    assert gates.absent_months("slt_table3") == []


# ------------------------------------------------------------------------------------------------- declarations


def declared(tmp_path: Path, text: str) -> Gates:
    for path in (PROJECT / "config").iterdir():
        if path.suffix in {".toml", ".csv"} and path.name != "validation.toml":
            (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "validation.toml").write_text(textwrap.dedent(text), encoding="utf-8")
    return Gates(Declarations(tmp_path))


RULE = """
    [publish.gaps]
    key = ["holder_id"]
    [[publish.gaps.expect]]
    name = "{name}"
    type = "{type}"
    kwargs = {{ {kwargs} }}
    blocking = {blocking}
    why = "Because. Do this."
"""


def rule(**changes: str) -> str:
    parts = {"name": "gaps are short", "type": "expect_column_values_to_be_between", "blocking": "true"}
    return RULE.format(**{**parts, "kwargs": 'column = "gap", max_value = "$max_gap_days"', **changes})


GAPS = pd.DataFrame({"holder_id": ["japan"], "gap": [4]})


def test_a_placeholder_takes_the_parameter_of_the_run(tmp_path):
    gates = declared(tmp_path, rule())
    assert gates.check("publish", "gaps", GAPS, {"max_gap_days": 4})[0].success
    assert not gates.check("publish", "gaps", GAPS, {"max_gap_days": 3})[0].success


def test_a_parameter_overrides_what_the_declarations_know(tmp_path):
    gates = declared(
        tmp_path, rule(type="expect_column_values_to_be_in_set", kwargs='column = "holder_id", value_set = "$holders"')
    )
    assert gates.check("publish", "gaps", GAPS)[0].success
    assert not gates.check("publish", "gaps", GAPS, {"holders": {"china_mainland"}})[0].success


def test_an_unknown_placeholder_is_a_configuration_error_that_lists_the_known_ones(tmp_path):
    with pytest.raises(
        ConfigurationError, match=r"'gaps are short': nothing is known for \$max_gap_days; given: \$holders"
    ):
        declared(tmp_path, rule()).check("publish", "gaps", GAPS)


@pytest.mark.parametrize(
    "changes",
    [
        {"type": "expect_column_values_to_be_nice", "kwargs": 'column = "gap"'},
        {"kwargs": 'colum = "gap", max_value = 3'},
        {"kwargs": 'column = "gap", max_value = "many"'},
    ],
    ids=["unknown type", "unknown key", "value of a wrong type"],
)
def test_a_rule_that_great_expectations_refuses_is_a_configuration_error_in_one_line(tmp_path, changes):
    with pytest.raises(ConfigurationError, match=r"validation\.toml, \[publish\.gaps\], 'gaps are short'") as caught:
        declared(tmp_path, rule(**changes)).check("publish", "gaps", GAPS)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (rule(blocking='"yes"'), "[publish.gaps.expect.1] blocking: expected true or false, found 'yes'"),
        (rule() + rule().replace("[publish.gaps]", "").replace('key = ["holder_id"]', ""), "the name is used twice"),
        (rule().replace("why", "because"), "unknown key 'because'; known: name, type, blocking, why"),
        ('[publish.gaps]\nkey = ["holder_id"]', "[publish.gaps]: expected the key expect, found none"),
        (
            '[absent_months]\nmfh = ["March 2026"]',
            "[absent_months] mfh, number 1: expected a month written as 2026-10, found 'March 2026'",
        ),
    ],
)
def test_a_mistake_in_the_declarations_is_found_before_anything_is_checked(tmp_path, text, message):
    with pytest.raises(ConfigurationError, match=re.escape(message)):
        declared(tmp_path, text)


def test_a_condition_on_rows_that_is_not_understood_is_found_before_anything_is_checked(tmp_path):
    with pytest.raises(ConfigurationError, match=r"rows has \['gap', 'like', 3\]; write \[column, operator, value\]"):
        declared(tmp_path, rule(kwargs='column = "gap", max_value = 3') + 'rows = [["gap", "like", 3]]')


@pytest.mark.parametrize(
    ("rows", "success"),
    [
        ('[["gap", "==", 4]]', False),
        ('[["gap", "!=", 4]]', True),
        ('[["holder_id", "in", ["japan", "poland"]], ["gap", "known"]]', False),
        ('[["holder_id", "not in", "$holders"]]', True),
        ('[["holder_id", "==", "japan"], ["gap", "==", 3]]', True),
    ],
)
def test_a_rule_is_asked_only_of_the_rows_for_which_all_its_conditions_hold(tmp_path, rows, success):
    gates = declared(tmp_path, rule(kwargs='column = "gap", max_value = 3') + f"rows = {rows}")
    assert gates.check("publish", "gaps", GAPS)[0].success == success


def test_a_missing_column_in_a_condition_is_a_blocking_failure_too(tmp_path):
    gates = declared(
        tmp_path, rule(blocking="false", kwargs='column = "gap", max_value = 9') + 'rows = [["kind", "known"]]'
    )
    (result,) = gates.check("publish", "gaps", GAPS)
    assert result.blocks
    assert result.observed == "the frame has no column kind; it has holder_id, gap"


def test_an_unknown_suite_is_a_configuration_error_that_lists_the_declared_ones(gates):
    with pytest.raises(ConfigurationError, match=r"no suite \[publish\.gold\]; declared: parsed\.observations"):
        gates.check("publish", "gold", GAPS)


# ----------------------------------------------------------------------------------------------------- blocking


def result(name: str, *, success: bool = False, blocking: bool = True) -> Result:
    return Result("publish", "totals", name, success, blocking, f"figures of {name}", f"Why {name}.")


def test_being_blocked_says_in_one_line_what_failed_with_figures_and_that_the_old_publication_stays():
    results = [result("good", success=True), result("warned", blocking=False), *(result(f"bad {n}") for n in range(5))]
    blocked = ValidationBlocked(results)
    message = str(blocked)
    assert isinstance(blocked, TreasuryWatchError)
    assert message.startswith("5 blocking checks failed at the gate publish: totals, 'bad 0': figures of bad 0; ")
    assert "; and 2 more. Why bad 0. The last good publication stays." in message
    assert "good'" not in message
    assert "warned" not in message
    assert "\n" not in message
    assert len(blocked.results) == 7
    assert blocking_failures(results) == blocked.failed == results[2:]


# ------------------------------------------------------------------------------------------- cost and quietness


@pytest.mark.slow
def test_checking_is_silent_writes_no_file_asks_no_network_and_is_imported_only_when_used(tmp_path):
    script = """
        import sys
        seen = []
        def watch(event, args):
            writes = event == "open" and isinstance(args[1], str) and set(args[1]) & set("wax+")
            if writes or event in ("os.mkdir", "os.rename", "socket.connect", "socket.getaddrinfo", "socket.sendto"):
                seen.append((event, str(args[0])))
        import pandas as pd
        from treasury_watch.warehouse.declarations import Declarations
        from treasury_watch.warehouse.gates.expectations import Gates
        gates = Gates(Declarations())
        early = "great_expectations" in sys.modules
        sys.addaudithook(watch)
        frame = pd.DataFrame({"leap": [True], "holder_id": ["japan"]})
        results = gates.check("publish", "leaps", frame)
        results += gates.check("publish", "freshness", pd.DataFrame({"stale": [None]}))
        results += gates.check("publish", "freshness", pd.DataFrame())
        sys.exit(repr((early, seen)) if early or seen or results[0].success else 0)
    """
    run = subprocess.run(
        [sys.executable, "-B", "-W", "error::ResourceWarning", "-c", textwrap.dedent(script)],
        cwd=tmp_path,
        env={"PYTHONPATH": str(PROJECT), "HOME": str(tmp_path), "PATH": ""},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")
    assert list(tmp_path.iterdir()) == []


# ------------------------------------------------------------------------------------------------ official files

official = pytest.mark.skipif(not OFFICIAL.is_dir(), reason="the official files are not beside the project")
TIC = ["slt_table3", "slt_table5", "mfhhis01", "slt3d_globl", "s1_globl", "mfh"]


@pytest.fixture(scope="module")
def published() -> dict[str, pd.DataFrame]:
    tables = {}
    for name in TIC:
        source = DECLARATIONS.source(name)
        parsed = parse((OFFICIAL / "tic" / source.url.rpartition("/")[2]).read_bytes(), source)
        tables[name] = identified(parsed.table, source.layout, DECLARATIONS.holder_labels).assign(source=name)
    return tables


@official
@pytest.mark.official
@pytest.mark.parametrize("name", TIC)
def test_the_official_files_pass_the_first_gate(gates, published, name):
    frame = published[name]
    results = gates.check("parsed", "observations", checks.prepare_parsed_observations(frame), of=name)
    results += gates.check("parsed", "coverage", checks.coverage(frame, gates.absent_months(name)), of=name)
    results += gates.check("parsed", "magnitude", checks.magnitude(frame, DECLARATIONS.source(name)), of=name)
    assert failed(results) == {}


@official
@pytest.mark.official
def test_the_official_files_pass_the_second_gate_with_exactly_their_known_inconsistencies(gates, published):
    frame = pd.concat(published.values(), ignore_index=True)
    results = gates.check("publish", "totals", checks.totals(frame, KINDS))
    results += gates.check("publish", "table3_against_table5", checks.table3_against_table5(frame))
    results += gates.check("publish", "table3_against_history", checks.table3_against_history(frame))
    results += gates.check("publish", "leaps", checks.leaps(frame, frame))
    found = failed(results)
    assert blocking_failures(results) == []
    assert {name: result.observed.partition(" (")[0] for name, result in found.items()} == {
        "every month adds up": "1 of 347 rows unexpected",
        "the history of holders agrees with Table 3": "2 of 2,520 rows unexpected",
        "the history of the official sector agrees with Table 3": "2 of 216 rows unexpected",
    }
    assert "mfhhis01 VI 2006-06: difference_usd_mn -2,500" in found["every month adds up"].observed
    history = found["the history of holders agrees with Table 3"].observed
    assert "canada 2024-12" in history
    assert "grand_total 2024-12" in history


@official
@pytest.mark.official
def test_table_5_read_in_the_wrong_unit_is_stopped_at_both_gates(gates, published):
    wrong = published["slt_table5"].assign(value_usd_mn=published["slt_table5"]["value_usd_mn"] / 1000)
    size = checks.magnitude(wrong, DECLARATIONS.source("slt_table5"))
    assert blocking_failures(gates.check("parsed", "magnitude", size))
    both = pd.concat([published["slt_table3"], wrong], ignore_index=True)
    assert blocking_failures(gates.check("publish", "table3_against_table5", checks.table3_against_table5(both)))
    assert blocking_failures(gates.check("publish", "leaps", checks.leaps(wrong, published["slt_table5"])))
