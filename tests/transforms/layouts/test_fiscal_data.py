"""The Treasury's Fiscal Data: an envelope that must be whole, texts for figures, announced auctions."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from treasury_watch.transforms.errors import LayoutError
from treasury_watch.transforms.layouts import parse, recognised
from treasury_watch.warehouse.declarations import Declarations

SHAPES = Path(__file__).resolve().parents[3] / ".." / "shared" / "official" / "shapes"
SOURCES = Declarations().sources
NOTE = {
    "cusip": "91282CRB9", "security_type": "Note", "auction_date": "2026-07-27", "comp_accepted": "67776042400",
    "primary_dealer_accepted": "6340843200", "direct_bidder_accepted": "23080167200",
    "indirect_bidder_accepted": "38355032000",
}  # fmt: skip
ANNOUNCED = {key: "null" if "accepted" in key else value for key, value in NOTE.items()} | {
    "auction_date": "2026-08-30"
}
MARKETABLE = {
    "record_date": "2026-08-31", "security_type_desc": "Total Marketable", "security_class_desc": "_",
    "debt_held_public_mil_amt": "31807141.1", "intragov_hold_mil_amt": "null", "total_mil_amt": "null",
}  # fmt: skip
BILLS = MARKETABLE | {
    "security_type_desc": "Marketable", "security_class_desc": "Bills", "debt_held_public_mil_amt": "7247855.5"
}  # fmt: skip


def answer(*records: dict, **meta: object) -> bytes:
    said = {"count": len(records), "total-count": len(records), "total-pages": 1, **meta}
    return json.dumps({"data": records, "meta": {key: said[key] for key in said if said[key] is not None}}).encode()


def rows(body: bytes, name: str) -> list[tuple]:
    assert recognised(body) == name
    table = parse(body, SOURCES[name]).table
    return [(row.series_id, f"{row.date:%Y-%m-%d}", round(row.value, 2)) for row in table.itertuples()]


def test_the_share_of_indirect_bidders_is_over_all_notes_and_bonds_of_the_day():
    small = NOTE | {"comp_accepted": "1000", "primary_dealer_accepted": "500", "direct_bidder_accepted": "400"}
    bond = small | {"security_type": "Bond", "indirect_bidder_accepted": "100"}
    bill = bond | {"security_type": "Bill"}
    assert rows(answer(NOTE), "treasury_auctions") == [("auction_indirect_share", "2026-07-27", 56.59)]
    assert rows(answer(bond, bond, bill), "treasury_auctions") == [
        ("auction_indirect_share", "2026-07-27", 10), ("auction_indirect_share_bills", "2026-07-27", 10),
    ]  # fmt: skip


def test_an_announced_auction_has_no_share():
    assert len(rows(answer(ANNOUNCED, NOTE), "treasury_auctions")) == 1


def test_an_auction_whose_bidders_do_not_add_up_is_left_out_with_a_note_and_many_are_refused():
    other = NOTE | {"direct_bidder_accepted": "1", "auction_date": "2026-07-28"}
    parsed = parse(answer(*[NOTE] * 19, other), SOURCES["treasury_auctions"])
    assert len(parsed.table) == 1
    assert "1 of 20 auctions whose bidders do not add up are left out: 91282CRB9 of 2026-07-28" in parsed.notes[0]
    with pytest.raises(LayoutError, match="1 of 2 do not, the first 91282CRB9"):
        parse(answer(NOTE, other), SOURCES["treasury_auctions"])


def test_debt_outstanding_is_what_the_public_holds_dated_by_its_month():
    assert rows(answer(BILLS, MARKETABLE), "treasury_debt") == [
        ("bills_outstanding", "2026-08-01", 7247855.5), ("marketable_debt_outstanding", "2026-08-01", 31807141.1),
    ]  # fmt: skip


BAD = {
    "of two pages": ("treasury_auctions", answer(NOTE, **{"total-count": 11000, "total-pages": 2}), "page 1 of 2"),
    "without its number of pages": (
        "treasury_auctions",
        answer(NOTE, **{"total-pages": None}),
        "meta, total-pages: expected a number",
    ),
    "cut on its one page": ("treasury_auctions", answer(NOTE, **{"total-count": 2}), "2 records on one page, found 1"),
    "without a field": (
        "treasury_auctions",
        answer({k: v for k, v in NOTE.items() if k != "comp_accepted"}),
        "record 1, comp_accepted: expected a text, found no such field",
    ),
    "with null for the text": ("treasury_auctions", answer(NOTE | {"comp_accepted": None}), "record 1, comp_accepted"),
    "with words for a figure": ("treasury_auctions", answer(NOTE | {"comp_accepted": "about 5"}), "'about 5'"),
    "with no record": ("treasury_auctions", answer(), "at least one record"),
    "of announced auctions alone": ("treasury_auctions", answer(ANNOUNCED), "no results"),
    "cut in the middle": ("treasury_auctions", answer(NOTE)[:100], "expected JSON"),
    "in HTML": ("treasury_auctions", b"<html><title>Error</title></html>", "web page titled 'Error'"),
    "empty": ("treasury_debt", b" ", "an empty file"),
    "without all marketable debt": ("treasury_debt", answer(BILLS), "Total Marketable"),
    "that states a month twice": ("treasury_debt", answer(MARKETABLE, MARKETABLE), "2026-08 again"),
    "whose parts are more than the whole": (
        "treasury_debt",
        answer(BILLS | {"debt_held_public_mil_amt": "40000000"}, MARKETABLE),
        "all marketable debt",
    ),
    "that does not add up": (
        "treasury_debt",
        answer(MARKETABLE | {"intragov_hold_mil_amt": "1", "total_mil_amt": "3"}),
        "= total_mil_amt",
    ),
}


@pytest.mark.parametrize("what", BAD)
def test_an_answer_that_is_not_whole_is_refused_in_one_line(what):
    name, body, words = BAD[what]
    with pytest.raises(LayoutError) as refusal:
        parse(body, SOURCES[name])
    assert words in str(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("name", ["treasury_auctions", "treasury_debt"])
def test_all_of_the_table_is_asked_for_in_one_encoded_page(name):
    assert "page%5Bsize%5D=10000" in SOURCES[name].url


@pytest.mark.skipif(not SHAPES.is_dir(), reason="the shapes are not here")
@pytest.mark.parametrize(
    ("name", "file", "figures"), [("treasury_auctions", "auctions_query", 1), ("treasury_debt", "mspd_table_1", 3)]
)
def test_the_known_shapes_are_read(name, file, figures):
    body = (SHAPES / f"fiscaldata_{file}.json").read_bytes()
    assert recognised(body) == name
    assert parse(body, SOURCES[name]).figures == figures
