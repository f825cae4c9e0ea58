"""Old editions of the major holders' table among newer sources: each answers for its own time."""

from datetime import date

from tests.transforms.layouts.test_mfh_editions import BREAK, edition, head_of, rows_of
from tests.transforms.tic import DECLARATIONS, source
from tests.warehouse.literal_database import JUNE
from treasury_watch.transforms.layouts.parsing import figures_of

JAPAN = "holder_id = 'japan'"


def says(published, body: bytes) -> date:
    """What an edition states of Japan, as its release. Returns its day."""
    parsed = figures_of(body, source("mfh"), DECLARATIONS.holder_labels)
    table = parsed.table[parsed.table["holder_id"] == "japan"]
    published.says("mfh", parsed.dated, *(
        ("japan", f"{row.month:%Y-%m}", row.measure, row.value_usd_mn, row.series) for row in table.itertuples()
    ))  # fmt: skip
    return parsed.dated


def test_an_edition_of_2014_answers_for_2014_and_replaces_no_newer_figure(published):
    says(published, edition(head_of("2013-11", 3), rows_of(3), "January 15, 2014"))
    published.says("mfhhis01", JUNE, ("japan", "2013-11", "total_position", 1186000.0))
    columns = "month, total_usd_mn, source, released"
    then = published.ask(columns, "positions", date(2014, 2, 1), JAPAN)
    assert [(f"{month:%Y-%m}", *rest) for month, *rest in then] == [
        ("2013-09", 202200.0, "mfh", date(2014, 1, 15)),
        ("2013-10", 201200.0, "mfh", date(2014, 1, 15)),
        ("2013-11", 200200.0, "mfh", date(2014, 1, 15)),
    ]
    assert published.ask(columns, "positions", where=JAPAN)[-1][1:3] == (1186000.0, "mfhhis01")
    assert published.ask(columns, "positions", date(2014, 1, 14), JAPAN) == []


def test_a_change_across_a_break_is_taken_on_one_basis_and_none_within_an_edition_from_before_the_survey(published):
    before = says(published, edition(head_of("2010-07", 3), rows_of(3), "September 16, 2010"))
    columns = "month, change_usd_mn, series_break"
    changes = [(f"{m:%Y-%m}", *rest) for m, *rest in published.ask(columns, "months", before, JAPAN)]
    assert changes == [("2010-05", None, False), ("2010-06", -1000.0, False), ("2010-07", -1000.0, False)]
    head = [[cell.replace("2008", "2010") for cell in row] for row in BREAK]
    after = says(published, edition(head, rows_of(4), "March 15, 2011"))
    changes = [(f"{m:%Y-%m}", *rest) for m, *rest in published.ask(columns, "months", after, JAPAN)]
    assert changes[1:] == [("2010-06", -1000.0, True), ("2010-07", -1000.0, False)]
