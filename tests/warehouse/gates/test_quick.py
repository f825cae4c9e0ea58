"""What the commonest rules find is told without Great Expectations, in the same words; what keeps a file back is left to it.

Of every spoilt frame that is seen in test_expectations.
"""

import pandas as pd
import pytest

from tests.warehouse.gates.validation_data import BAD, DECLARATIONS, GOOD
from treasury_watch.warehouse.gates import quick
from treasury_watch.warehouse.gates.expectations import Gates
from treasury_watch.warehouse.gates.suites import Expectation, Suites

SUITES = Suites(DECLARATIONS)


@pytest.fixture(scope="module")
def gates() -> Gates:
    return Gates(DECLARATIONS)


def expectation(kind: str, rows: tuple = (), **kwargs: object) -> Expectation:
    return Expectation("the rule", kind, True, "why", kwargs, rows)


KNOWN = [
    name
    for name in GOOD
    if set(quick.outcomes(SUITES.filled(SUITES.find(*name), {}), GOOD[name]()))
    == {rule.name for rule in SUITES.find(*name).expectations}
]


def test_the_suites_on_observations_are_known():
    assert {("parsed", "observations"), ("parsed", "coverage"), ("parsed", "magnitude")} <= set(KNOWN)


@pytest.mark.parametrize("suite", KNOWN, ids=".".join)
def test_good_frames_get_the_very_results_of_great_expectations(gates, suite, monkeypatch):
    frame = GOOD[suite]()
    asked = []
    monkeypatch.setattr(Gates, "_run", lambda *_, **__: asked.append(suite))
    with gates.quickly():
        told = gates.check(*suite, frame)
    assert not asked  # Great Expectations had nothing to do
    monkeypatch.undo()
    assert gates.check(*suite, frame) == told


@pytest.mark.parametrize(
    ("suite", "rule"),
    [
        (("parsed", "observations"), "positions and gross transactions are not negative"),  # blocks
        (("publish", "freshness"), "no source is stale"),  # does not
    ],
)
def test_a_spoilt_frame_gets_the_very_results_of_great_expectations_whatever_else_holds(gates, suite, rule):
    [spoil] = [spoil for where, name, spoil in BAD if (where, name) == (suite, rule)]
    frame = spoil(GOOD[suite]())
    with gates.quickly():
        told = gates.check(*suite, frame)
    assert gates.check(*suite, frame) == told
    assert rule in {result.expectation for result in told if not result.success}


@pytest.mark.parametrize(
    ("kind", "kwargs"),
    [
        ("expect_column_values_to_be_between", {"column": "x", "min_value": 0, "mostly": 0.5}),
        ("expect_column_values_to_be_in_set", {"column": "x", "value_set": [1.0, 2.0], "mostly": 0.5}),
        ("expect_column_mean_to_be_between", {"column": "x"}),
        ("expect_column_values_to_not_be_null", {"column": "absent"}),
    ],
)
def test_a_rule_of_another_kind_or_with_other_words_is_left_to_great_expectations(kind, kwargs):
    frame = pd.DataFrame({"x": [1.0, 2.0]})
    assert quick.outcomes([expectation(kind, **kwargs)], frame) == {}


@pytest.mark.parametrize(("limits", "wrong"), [({}, []), ({"strict_min": True}, [0]), ({"strict_max": True}, [2])])
def test_a_strict_limit_leaves_out_what_is_on_it(limits, wrong):
    rule = expectation("expect_column_values_to_be_between", column="x", min_value=1, max_value=3, **limits)
    [found] = quick.outcomes([rule], pd.DataFrame({"x": [1.0, 2.0, 3.0, None]})).values()
    assert found["partial_unexpected_index_list"] == wrong


def test_a_condition_on_rows_keeps_only_those():
    frame = pd.DataFrame({"x": [1.0, -7.0, 3.0], "of": ["a", "b", "a"]})
    rule = expectation("expect_column_values_to_be_between", (("of", "==", "a"),), column="x", min_value=0)
    none = {"success": True, "element_count": 2, "unexpected_count": 0, "partial_unexpected_index_list": []}
    assert quick.outcomes([rule], frame) == {"the rule": none}
    other = expectation("expect_column_values_to_be_between", (("of", "!=", "a"),), column="x", min_value=0)
    one = {"success": False, "element_count": 1, "unexpected_count": 1, "partial_unexpected_index_list": [1]}
    assert quick.outcomes([other], frame) == {"the rule": one}
