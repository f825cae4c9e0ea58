"""Generated archives of the Continuous SLT: what is accepted is read right, what is refused is refused with LayoutError."""

from __future__ import annotations

import json
from unittest import mock

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.transforms.layouts.test_cslt import WHOLE, figures, series, zipped
from tests.transforms.tic import source
from treasury_watch.transforms.errors import LayoutError
from treasury_watch.transforms.layouts.tic import cslt

QUICK = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
TOKENS = [*'"\\{}[],: \n', "source_id", '"source_id"', "é"]
TRICKY = st.lists(st.sampled_from(TOKENS), max_size=12).map("".join)
FAMILIES = {
    "for_lt_treas_pos": "long_term_position",
    "for_lt_treas_net": "long_term_net",
    "for_lt_treas_valchg": "long_term_valuation",
    "for_st_treas_pos": "short_term_position",
    "for_st_treas_net": "short_term_net",
}
NAMES = st.tuples(st.sampled_from([*FAMILIES, "us_lt_corp_pos"]), st.integers(10000, 10004))
VALUES = st.integers(-10_000_000, 10_000_000).map(lambda tenths: f"{tenths / 10:.1f}")


@st.composite
def documents(draw):
    """(document, the figures that a right reading finds)."""
    found, right = [], {}
    for family, code in draw(st.lists(NAMES, min_size=1, max_size=6, unique=True)):
        months = sorted(draw(st.sets(st.integers(1, 12), max_size=4)), reverse=True)
        values = [draw(VALUES) for _ in months]
        days = [f"2025-{month:02d}-01" for month in months]
        one = series(f"{family}_{code}", *zip(days, values, strict=True), notes=draw(TRICKY))
        tail = draw(st.permutations([key for key in one if key != "source_id"]))
        found.append({key: one[key] for key in ["source_id", *tail]} | {"x": draw(TRICKY)})
        if family in FAMILIES:
            right |= {(str(code), day[:7], FAMILIES[family]): float(v) for day, v in zip(days, values, strict=True)}
    keys = {"about": draw(TRICKY), "transmissionDt": "2026-06-18T16:00:00", "series": found}
    return {key: keys[key] for key in draw(st.permutations(list(keys)))}, right


@QUICK
@given(documents(), st.sampled_from([None, 0, 3, "\t"]), st.booleans(), st.integers(1, 300))
def test_a_generated_archive_is_read_right(made, indent, ascii_only, piece):
    document, right = made
    text = json.dumps(document, indent=indent, ensure_ascii=ascii_only).encode()
    with mock.patch.object(cslt, "PIECE", piece):
        if not right:
            with pytest.raises(LayoutError):
                figures(text)
        else:
            assert figures(text) == right


@QUICK
@given(documents(), st.data())
def test_a_damaged_document_is_refused_or_read_as_json_reads_it(made, data):
    text = json.dumps(made[0]).encode()
    at = data.draw(st.integers(0, len(text) - 1))
    damaged = text[:at] + data.draw(st.binary(max_size=2)) + text[at + data.draw(st.integers(0, 3)) :]
    try:
        found = figures(damaged)
    except LayoutError:
        return
    try:
        stated = {s["source_id"]: s["observations"] for s in json.loads(damaged)["series"]}
    except (ValueError, KeyError, TypeError):
        stated = None  # damage within a series of another family is not looked at
    for (code, month, measure), value in found.items():
        family = next(name for name, meant in FAMILIES.items() if meant == measure)
        if stated is not None:
            assert [f"{month}-01", value] in [[d, float(v)] for d, v in stated[f"{family}_{code}"] if v]


@QUICK
@given(st.integers(0, len(WHOLE) - 1), st.binary(min_size=1, max_size=4))
def test_a_damaged_archive_is_refused_or_read_as_it_was(at, damage):
    body = WHOLE[:at] + damage + WHOLE[at + len(damage) :]
    whole = cslt.parse(WHOLE, source("cslt"))
    try:
        found = cslt.parse(body, source("cslt"))
    except LayoutError:
        return
    assert found.table.equals(whole.table)
    assert found.dated == whole.dated


@QUICK
@given(st.binary(max_size=200))
def test_any_other_member_is_refused(content):
    try:
        cslt.parse(zipped(content), source("cslt"))
    except LayoutError:
        return
    raise AssertionError(content)
