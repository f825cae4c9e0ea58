"""Feeds and calendar: valid, with ids that stay, and written again only where they say something else."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import jsonschema
import pytest
from icalendar import Calendar as CalendarFile
from lxml import etree

from tests.flows import findings_data
from tests.flows.site.page_data import DECLARED
from treasury_watch.flows.site import addresses, feeds
from treasury_watch.flows.site.feeds import entries, formats, release_days
from treasury_watch.transforms.release_dates.release_calendar import Listed
from treasury_watch.transforms.release_dates.release_hours import released_at
from treasury_watch.warehouse.tables.declared_tables import SQL

NOW = datetime(2024, 7, 20, 9, 30, tzinfo=UTC)
ATOM = "{http://www.w3.org/2005/Atom}"
ADDRESS = "https://treasury.example/"
ITEM = {
    "type": "object",
    "required": ["id", "url", "content_text"],
    "additionalProperties": False,
    "properties": {
        "id": {"type": "string", "pattern": "^urn:uuid:[0-9a-f-]{36}$"},
        "url": {"type": "string", "minLength": 1},
        "title": {"type": "string", "minLength": 1},
        "content_text": {"type": "string", "minLength": 1},
        "date_published": {"type": "string", "format": "date-time"},
        "date_modified": {"type": "string", "format": "date-time"},
        "tags": {"type": "array", "items": {"type": "string"}},
    },
}
JSON_FEED = {  # the members of version 1.1 that these feeds have
    "type": "object",
    "required": ["version", "title", "items"],
    "additionalProperties": False,
    "properties": {
        "version": {"const": "https://jsonfeed.org/version/1.1"},
        "title": {"type": "string", "minLength": 1},
        "description": {"type": "string"},
        "home_page_url": {"type": "string"},
        "feed_url": {"type": "string", "pattern": "^https://"},
        "language": {"type": "string"},
        "authors": {"type": "array", "items": {"type": "object", "minProperties": 1}},
        "items": {"type": "array", "items": ITEM},
    },
}


@pytest.fixture(scope="module")
def connection():
    """Japan's spring of 2024 as findings, and one release that revised two figures."""
    with findings_data.published() as connection:
        for name in ("revisions", "revised_findings", "positions"):
            columns = findings_data.declared()[name].columns
            connection.execute(f"CREATE TABLE {name} ({', '.join(f'{c.name} {SQL[c.type]}' for c in columns)})")
        common = {"source": "slt_table5", "kind": "country", "measure": "total_position", "released": date(2024, 7, 18)}
        for holder, old, new in (("Japan", 1128000.0, 1127500.0), ("Ireland", 327300.0, 319300.0)):
            findings_data.insert(
                connection, "revisions", **common, holder_id=holder.lower(), holder=holder, month=date(2024, 3, 1),
                old_usd_mn=old, new_usd_mn=new, difference_usd_mn=new - old,
            )  # fmt: skip
        yield connection


@pytest.fixture
def written(connection, tmp_path: Path) -> Path:
    feeds.build(connection, tmp_path, ADDRESS, DECLARED, NOW)
    return tmp_path / "feeds"


@pytest.mark.parametrize("name", ["findings", "revisions"])
def test_a_json_feed_fits_the_schema_and_the_atom_feed_tells_the_same(written: Path, name: str) -> None:
    told = json.loads((written / f"{name}.json").read_text(encoding="utf-8"))
    jsonschema.validate(told, JSON_FEED, format_checker=jsonschema.FormatChecker())
    atom = etree.parse(written / f"{name}.atom").getroot()
    assert told["items"]
    assert [item.findtext(f"{ATOM}id") for item in atom.iter(f"{ATOM}entry")] == [item["id"] for item in told["items"]]
    assert [item.findtext(f"{ATOM}title") for item in atom.iter(f"{ATOM}entry")] == [i["title"] for i in told["items"]]
    for element in (atom, *atom.iter(f"{ATOM}entry")):  # what RFC 4287 asks of a feed and of an entry
        assert all(len(element.findall(f"{ATOM}{needed}")) == 1 for needed in ("id", "title", "updated"))


def test_an_entry_leads_to_the_page_of_its_finding_and_says_what_the_finding_says(written: Path) -> None:
    items = json.loads((written / "findings.json").read_text(encoding="utf-8"))["items"]
    pages = {
        addresses.finding_page("japan", date(2024, 4, 1)),
        addresses.episode_page("japan", "fall", date(2024, 4, 1)),
    }
    assert {item["url"] for item in items} == {ADDRESS + page for page in pages}
    month = next(item for item in items if item["url"].endswith("japan-2024-04.html"))
    assert month["title"].startswith("Japan: Treasuries -$40.9bn in April 2024")
    assert month["date_published"] == "2024-06-18T20:00:00+00:00"


def test_revisions_name_the_largest_first_with_old_and_new(written: Path) -> None:
    (item,) = json.loads((written / "revisions.json").read_text(encoding="utf-8"))["items"]
    assert item["title"] == "Release of 18 July 2024 revised 2 figures; most Ireland Mar 2024 by -$8.0bn"
    assert item["content_text"].startswith(
        "Ireland, March 2024, total position (slt_table5): $327.3bn became $319.3bn."
    )
    assert item["url"] == f"{ADDRESS}releases/2024-07-18.html"


def test_ids_are_the_same_wherever_the_site_stands_and_without_an_address_links_are_relative(
    connection, written: Path, tmp_path: Path
) -> None:
    feeds.build(connection, tmp_path / "other", "", DECLARED, NOW)
    here, there = (
        json.loads((place / "findings.json").read_text(encoding="utf-8"))
        for place in (written, tmp_path / "other" / "feeds")
    )
    assert [item["id"] for item in here["items"]] == [item["id"] for item in there["items"]]
    assert there["items"][0]["url"].startswith("../findings/japan-")
    assert "feed_url" not in there


def test_a_day_later_nothing_is_written_again_where_nothing_is_said_otherwise(connection, written: Path) -> None:
    times = {path.name: path.stat().st_mtime_ns for path in written.iterdir()}
    feeds.build(connection, written.parent, ADDRESS, DECLARED, NOW + timedelta(hours=5))
    assert {path.name: path.stat().st_mtime_ns for path in written.iterdir()} == times


def test_an_entry_that_says_something_else_is_of_now_and_keeps_its_id_and_day(connection) -> None:
    before, *_ = entries.findings(connection, DECLARED.rules, DECLARED.calendar)
    kept = {
        before.id: {
            "title": "what it said", "content_text": "before", "date_published": "2024-06-18T20:00:00+00:00",
            "date_modified": "2024-06-18T20:00:00+00:00",
        }
    }  # fmt: skip
    (after,) = entries.dated([before], kept, NOW)
    assert (after.id, after.published, after.updated) == (before.id, datetime(2024, 6, 18, 20, tzinfo=UTC), NOW)


def test_a_hostile_name_is_text_in_the_atom_feed() -> None:
    entry = entries.Entry("findings/x.html", "<b>A & B</b>", ("<script>alert(1)</script>",), NOW, NOW)
    root = etree.fromstring(formats.atom(formats.FINDINGS, [entry], ADDRESS))
    told = root.find(f"{ATOM}entry")
    assert told is not None
    assert told.findtext(f"{ATOM}title") == "<b>A & B</b>"
    assert told.findtext(f"{ATOM}content") == "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>"


@pytest.mark.parametrize(
    ("day", "moment"),
    [
        (date(2014, 8, 15), datetime(2014, 8, 15, 13, tzinfo=UTC)),
        (date(2014, 9, 16), datetime(2014, 9, 16, 20, tzinfo=UTC)),
        (date(2026, 12, 15), datetime(2026, 12, 15, 21, tzinfo=UTC)),
    ],
)
def test_a_release_is_at_nine_until_august_2014_and_at_four_since_in_new_york(day: date, moment: datetime) -> None:
    assert released_at(day) == moment


class TestCalendar:
    NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
    LISTED = (
        Listed(date(2026, 11, 18), date(2026, 9, 1)),
        Listed(date(2026, 12, 15), date(2026, 10, 1)),
        Listed(date(2027, 1, 19), date(2026, 11, 1), "estimated"),
    )

    def events(self, body: bytes) -> list:
        return list(CalendarFile.from_ical(body).walk("VEVENT"))

    def test_stated_days_are_confirmed_and_estimates_say_so(self) -> None:
        first, second, third, *more = self.events(
            release_days.ics(list(self.LISTED), self.NOW, ADDRESS, {date(2026, 11, 18)})
        )
        assert (first["SUMMARY"], first["STATUS"]) == ("TIC data for September 2026", "CONFIRMED")
        assert first["URL"] == f"{ADDRESS}releases/2026-11-18.html"
        assert "URL" not in second
        assert second["DTSTART"].dt == datetime(2026, 12, 15, 21, tzinfo=UTC)
        assert (third["SUMMARY"], third["STATUS"]) == ("TIC data for November 2026 (day estimated)", "TENTATIVE")
        assert len(more) >= 9
        assert all(event["STATUS"] == "TENTATIVE" and "An estimate" in event["DESCRIPTION"] for event in more)

    def test_every_event_has_an_id_of_its_own_that_stays_when_the_day_moves(self) -> None:
        again = [*self.LISTED, Listed(date(2026, 11, 20), date(2026, 9, 1))]
        before = self.events(release_days.ics(again, self.NOW, ""))
        moved = [self.LISTED[0], self.LISTED[1]._replace(released=date(2026, 12, 17)), *again[2:]]
        after = self.events(release_days.ics(moved, self.NOW, ""))
        assert len({event["UID"] for event in before}) == len(before)
        assert {event["UID"] for event in before} == {event["UID"] for event in after}

    def test_what_says_the_same_keeps_its_stamp_and_what_moved_gets_the_next_number(self) -> None:
        first = release_days.ics(list(self.LISTED), self.NOW, ADDRESS, {date(2026, 11, 18)})
        later = self.NOW + timedelta(days=1)
        known = release_days.known_events(first)
        assert release_days.ics(list(self.LISTED), later, ADDRESS, {date(2026, 11, 18)}, known) == first
        moved = [self.LISTED[0], self.LISTED[1]._replace(released=date(2026, 12, 17)), self.LISTED[2]]
        event = release_days.known_events(release_days.ics(moved, later, ADDRESS, (), known))
        changed = event[release_days.uid(date(2026, 10, 1))]
        assert (changed["SEQUENCE"], changed["DTSTAMP"].dt) == (1, later)
        assert event[release_days.uid(date(2026, 11, 1))]["SEQUENCE"] == 0
