"""What a source writes where it has no figure yet is left out."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from treasury_watch.transforms.errors import LayoutError
from treasury_watch.transforms.layouts.parsing import figures_of
from treasury_watch.warehouse.declarations import Declarations

CUSTODY = Declarations().source("fred:WMTSECL1")
OFFICIAL = Path(__file__).resolve().parents[3] / ".." / "shared" / "official" / "fred" / "WMTSECL1.csv"


def test_a_zero_before_the_declared_day_is_no_figure_and_one_after_it_is():
    body = b"observation_date,WMTSECL1\n2007-06-27,0\n2007-07-04,1171809\n2007-07-11,0\n"
    table = figures_of(body, CUSTODY, []).table
    assert table[["series_id", "date", "value_usd_mn", "line"]].values.tolist() == [
        ["WMTSECL1", pd.Timestamp("2007-07-04"), 1_171_809.0, 3],
        ["WMTSECL1", pd.Timestamp("2007-07-11"), 0.0, 4],
    ]


def test_a_file_of_nothing_but_such_zeros_is_refused():
    with pytest.raises(LayoutError, match=r"fred:WMTSECL1, whole file: .*2007-07-04"):
        figures_of(b"observation_date,WMTSECL1\n2007-06-27,0\n", CUSTODY, [])


@pytest.mark.official
@pytest.mark.skipif(not OFFICIAL.is_file(), reason="the official files are not here")
def test_the_official_file_starts_in_july_2007_and_ends_in_june_2026():
    parsed = figures_of(OFFICIAL.read_bytes(), CUSTODY, [])
    assert (parsed.first.date(), parsed.last.date()) == (date(2007, 7, 4), date(2026, 6, 24))
    assert parsed.table["value_usd_mn"].iloc[-1] == 2_636_947.0
    assert parsed.table["value_usd_mn"].min() > 1_000_000
    assert (parsed.table["date"].diff().dropna() == pd.Timedelta(days=7)).all()
