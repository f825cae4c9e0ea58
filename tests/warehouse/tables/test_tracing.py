"""A figure back to the archived bytes: members of containers, damaged files, corrections, changes across a break."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from tests.transforms.layouts import test_cslt
from tests.warehouse.literal_database import MAY, first
from treasury_watch.warehouse.archive.archived_files import Archive, ArchiveDamaged
from treasury_watch.warehouse.holder_names import named
from treasury_watch.warehouse.tables.tracing import Tracer

TEXT = b"heading\r\nJapan\t42609\t2026-04\t1209889\r\n"


@pytest.fixture
def traced(published, tmp_path, declarations):
    """Puts bytes into an archive and one figure of them into the literal database, and traces it."""
    archive = Archive(tmp_path / "raw")

    def run(source, body, line, measure="total_position", value=1_209_889, month="2026-04", release=date(2026, 6, 18)):
        published.says(source, release, ("japan", month, measure, value))
        entry, _ = archive.put(source, body, url=f"file:///{source}", retrieved=datetime(2026, 7, 1, tzinfo=UTC))
        published.connection.execute("UPDATE observations SET sha256 = ?, line = ?", [entry.sha256, line])
        published.connection.execute("UPDATE releases SET sha256 = ?", [entry.sha256])
        tracer = Tracer(published.connection, archive, declarations, date(2026, 12, 31))
        published.fill()
        return entry, archive, lambda: tracer.trace(named("Japan", declarations), first(month), measure)

    return run


def test_a_figure_of_the_continuous_slt_is_led_back_to_member_series_and_pair(traced):
    body = test_cslt.zipped(test_cslt.document(test_cslt.FILLER, test_cslt.JAPAN, test_cslt.BOUGHT))
    _, _, trace = traced("cslt", body, None, "long_term_net", -14_705)
    (part,) = trace().parts
    assert part.place.member == "cslt.json, series for_lt_treas_net_42609"
    assert part.place.text == '["2026-04-01", "-14705.0"]'


def test_bytes_that_are_not_as_they_were_archived_are_no_evidence(traced):
    entry, archive, trace = traced("slt_table3", TEXT, 2)
    assert trace().parts[0].place.text == "Japan\t42609\t2026-04\t1209889"
    archive.path(entry).write_bytes(TEXT.replace(b"1209889", b"1309889"))
    with pytest.raises(ArchiveDamaged, match="expected checksum"):
        trace()
    archive.path(entry).unlink()
    assert trace().parts[0].place.note == "the file is not in this data folder's archive"


def test_a_known_error_of_the_publisher_is_told_beside_what_was_published(traced, published):
    published.add(
        "corrections", correction="mended", source="slt_table3", holder_id="japan", month=first("2026-04"),
        measure="total_position", expected_usd_mn=1_209_889, corrected_usd_mn=1_211_000, since=date(2026, 6, 20),
        reason="a slip",
    )  # fmt: skip
    _, _, trace = traced("slt_table3", TEXT, 2)
    found = trace()
    assert (found.value_usd_mn, found.parts[0].stands.value_usd_mn) == (1_211_000, 1_209_889)
    assert found.notes == [
        "1,211,000 stands for the published 1,209,889: a known error of the publisher (mended: a slip)"
    ]


def test_a_change_across_a_series_break_is_taken_on_one_basis_and_says_so(published, tmp_path, declarations):
    published.says(
        "mfhhis01", MAY, ("japan", "2010-05", "total_position", 786_700, "X"),
        ("japan", "2010-06", "total_position", 801_200, "X"), ("japan", "2010-06", "total_position", 799_900, "XI"),
    )  # fmt: skip
    published.fill()
    tracer = Tracer(published.connection, Archive(tmp_path / "raw"), declarations, date(2026, 12, 31))
    found = tracer.trace(named("JPN", declarations), first("2010-06"), "change")
    assert found.value_usd_mn == 14_500
    assert [(part.sign, part.stands.series, part.stands.value_usd_mn) for part in found.parts] == [
        ("", "X", 801_200), ("-", "X", 786_700),
    ]  # fmt: skip
    assert found.notes == ["the change is taken within one source, on one survey basis (mfhhis01, X)"]


def test_form_s_is_led_back_to_purchases_less_sales_and_the_bills_held(published, tmp_path, declarations):
    published.says(
        "s1_globl", date(2023, 3, 15), ("japan", "2022-09", "long_term_gross_purchases", 10_000, "Form S"),
        ("japan", "2022-09", "long_term_gross_sales", 45_461, "Form S"),
    )  # fmt: skip
    published.says(
        "slt_table3", MAY, ("japan", "2022-08", "total_position", 1_200_000), ("japan", "2022-08", "short_term_position", 60_000),
        ("japan", "2022-09", "total_position", 1_120_000), ("japan", "2022-09", "short_term_position", 55_000),
    )  # fmt: skip
    published.fill()
    tracer = Tracer(published.connection, Archive(tmp_path / "raw"), declarations, date(2026, 12, 31))
    found = tracer.trace(named("Japan", declarations), first("2022-09"), "net_purchases_usd_mn")
    signed = [-part.stands.value_usd_mn if part.sign else part.stands.value_usd_mn for part in found.parts]
    assert (found.value_usd_mn, signed) == (-40_461, [10_000, -45_461, 55_000, -60_000])
    assert sum(signed) == found.value_usd_mn
