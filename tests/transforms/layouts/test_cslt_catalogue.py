"""The Continuous SLT with every code it has: groups that double-count, totals where parts lack, other securities."""

from __future__ import annotations

import pytest

from tests.transforms import cslt_stand_in
from tests.transforms.tic import DECLARATIONS, official, reading, source
from treasury_watch.transforms.errors import UnknownHolderError
from treasury_watch.transforms.layouts.parsing import figures_of
from treasury_watch.transforms.layouts.tic import cslt

JAPAN = "42609|Japan|A|1984-12|2026-07|2003-02|2026-07"
GUERNSEY = "13006|Guernsey|A|2012-01|2026-07||"
POLAND = "15768|Poland|A|1984-12|2026-07|2003-02|2014-12"
ISLANDS = "13059|United Kingdom plus Channel Islands and Isle of Man|D|1984-12|2011-12||"
OLD_GROUP = "18888|Other Balkans|D|1984-12|2011-12||"
MEASURES = {
    "for_lt_treas_pos": "long_term_position", "for_lt_treas_net": "long_term_net", "for_lt_treas_valchg": "long_term_valuation",
    "for_st_treas_pos": "short_term_position", "for_st_treas_net": "short_term_net",
    "for_treas_pos": "total_position", "for_treas_net": "total_net",
}  # fmt: skip


def loaded(*lines: str, since: str = "2014-10"):
    body = cslt_stand_in.zipped(cslt_stand_in.document(lines, since))
    return figures_of(body, source("cslt"), DECLARATIONS.holder_labels)


def stated(parsed, holder: str, measure: str) -> dict[str, float]:
    table = parsed.table
    rows = table[(table["holder_id"] == holder) & (table["measure"] == measure)]
    return {f"{month:%Y-%m}": value for month, value in zip(rows["month"], rows["value_usd_mn"], strict=True)}


def test_a_total_stands_where_a_part_is_not_stated_and_nowhere_else():
    found = loaded(JAPAN, GUERNSEY, POLAND)
    assert stated(found, "japan", "total_position") == stated(found, "japan", "total_net") == {}
    positions = stated(found, "guernsey", "total_position")
    assert positions == stated(found, "guernsey", "long_term_position")
    assert len(positions) == len(cslt_stand_in.months_of("2014-10", "2026-07", "2014-10"))
    assert min(stated(found, "poland", "total_position")) == "2015-01"  # its bills end with 2014
    assert min(stated(found, "poland", "total_net")) == "2015-01"


def test_a_group_is_a_group_and_no_country():
    kinds = {row["holder_id"]: row["kind"] for row in DECLARATIONS.holders}
    found = loaded(JAPAN, ISLANDS, since="2011-10")
    assert stated(found, "united_kingdom_with_islands", "long_term_position")["2011-12"] > 0
    assert kinds["united_kingdom_with_islands"] == "group"
    of_code = {row["code"]: row["holder_id"] for row in DECLARATIONS.holder_labels if row["layout"] == "cslt"}
    groups = ["13056", "13059", "10308", "36005", "18007", "33596", "39001", "39004", "39101", "46612", "48909", "57215",
              "58904", "63908"]  # fmt: skip
    assert {kinds[of_code[code]] for code in groups} == {"group"}


def test_a_discontinued_group_of_an_unknown_code_is_left_out_with_a_note():
    found = loaded(JAPAN, OLD_GROUP, since="2011-10")
    assert set(found.table["holder_id"]) == {"japan"}
    assert found.notes == (
        "discontinued groups with unknown codes are left out: 18888 (for_lt_treas_pos Other Balkans)",
    )
    assert loaded(JAPAN).notes == ()


@pytest.mark.parametrize("line", [OLD_GROUP.replace("|D|", "|A|"), OLD_GROUP.replace("Other Balkans", "Ruritania")])
def test_an_unknown_holder_that_is_no_discontinued_group_is_refused(line):
    with pytest.raises(UnknownHolderError, match="18888"):
        loaded(JAPAN, line, since="2011-10")


def test_what_is_held_of_other_securities_stands_beside_the_treasuries_under_its_own_measures():
    body = cslt_stand_in.zipped(cslt_stand_in.document([JAPAN, GUERNSEY], "2026-06"))
    besides = figures_of(body, source("cslt"), DECLARATIONS.holder_labels).besides
    assert besides.holds == "securities"
    found = reading(besides.table, "holder_id")
    assert len(found) == 2 * 3 * (2 + 1 + 1)  # of the first month no flow
    size = 42609 % 977 * 100 + 1000
    before, now = (size * 3 + 10.5 * 2026 + month**2 for month in (6, 7))
    assert found["japan", "2026-07", "corporate_position", "XIII"] == now
    assert found["japan", "2026-07", "corporate_net", "XIII"] == now - before - 3.5
    assert found["japan", "2026-07", "corporate_valuation", "XIII"] == 3.5
    assert ("japan", "2026-06", "corporate_net", "XIII") not in found


def test_an_archive_of_treasuries_alone_holds_no_other_securities():
    content = cslt_stand_in.document([JAPAN], "2026-06")
    content["series"] = [one for one in content["series"] if "treas" in one["source_id"]]
    assert cslt.parse(cslt_stand_in.zipped(content), source("cslt")).besides is None


def test_other_securities_that_cannot_be_read_or_placed_are_told_and_keep_no_treasuries_out():
    content = cslt_stand_in.document([JAPAN, GUERNSEY], "2026-06")
    for series in content["series"]:
        if series["source_id"] == "for_lt_agcy_pos_42609":
            series["observations"] = "n/a"
        if "treas" not in series["source_id"]:
            series["source_id"] = series["source_id"].replace(GUERNSEY.split("|")[0], "98765")
    parsed = figures_of(cslt_stand_in.zipped(content), source("cslt"), DECLARATIONS.holder_labels)
    assert set(parsed.table["holder_id"]) == {"japan", "guernsey"}
    assert set(parsed.besides.table["holder_id"]) == {"japan"}
    assert "agency_position" not in set(parsed.besides.table["measure"])
    assert len(parsed.notes) == 2
    assert "for_lt_agcy_pos_42609" in parsed.notes[0]
    assert "98765" in parsed.notes[1]


@official
def test_every_code_of_the_real_catalogue_is_a_known_holder_and_every_figure_is_read():
    lines = cslt_stand_in.catalogue()
    assert len(lines) == 137
    content = cslt_stand_in.document(lines, "2011-11")
    parsed = figures_of(cslt_stand_in.zipped(content), source("cslt"), DECLARATIONS.holder_labels)
    assert parsed.notes == ()
    assert parsed.table["code"].nunique() == 137 - 1  # British West Indies ended in 2000
    written = {}
    for line in lines:
        code, _, _, found = cslt_stand_in.figures_of(line, "2011-11")
        for family in found.keys() & MEASURES.keys():
            measure = MEASURES[family]
            part = family.rsplit("_", 1)[1]
            both = found[f"for_lt_treas_{part}"].keys() & found.get(f"for_st_treas_{part}", {}).keys()
            for month, value in found[family].items():
                if not measure.startswith("total") or month not in both:
                    written[code, month, measure] = round(value, 1)
    read = {
        (code, f"{month:%Y-%m}", measure): value
        for code, month, measure, value in zip(
            *(parsed.table[column] for column in ("code", "month", "measure", "value_usd_mn")), strict=True
        )
    }
    assert read.keys() == written.keys()
    assert max(abs(read[key] - written[key]) for key in read) < 0.06  # written with one decimal
