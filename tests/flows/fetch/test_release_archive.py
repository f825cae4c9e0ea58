"""The release archive from a local server: each zip once, resumable, one that fails by name."""

import io
import json
import re
import socket
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import PROJECT
from tests.flows.loopback import Loopback, Reply
from treasury_watch.flows.fetch.http import FetchError
from treasury_watch.flows.fetch.release_archive import ReleaseArchiveReader, fetching
from treasury_watch.flows.settings.settings import Settings
from treasury_watch.warehouse.archive.release_zips import REFUSED, ReleaseZips
from treasury_watch.warehouse.declarations import Declarations

INDEX = "/archives-of-tic-monthly-data-releases"
LINKED = "/resource-center/data-chart-center/tic/Documents/"
NAMES = ["ticrel_20240318.zip", "ticrel_20240417.zip", "ticrel_20240515.zip"]
MONTHS = ["January 2024", "February 2024", "March 2024"]
LOADED = [{"name": "mfh.txt", "source": "mfh", "sha256": "0" * 64, "outcome": "vintage"}]


def zipped(text: str) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr(zipfile.ZipInfo("mfh.txt"), text)  # without the time: the same bytes every time
    return target.getvalue()


def page(names: list[str] = NAMES, months: list[str] = MONTHS) -> bytes:
    rows = (
        f'<a href="https://www.treasury.gov{LINKED}{name}">{name[11:13]}/{name[13:15]}/{name[7:11]}</a> TIC Data for {month}<br>'
        for name, month in zip(names, months, strict=True)
    )
    return ("<html><body>" + "\n".join(rows) + "</body></html>").encode()


def redirect(server: Loopback) -> None:
    """As www.treasury.gov does."""
    for name in NAMES:
        server.redirect(LINKED + name, f"/files/{name}")


@pytest.fixture
def server() -> Iterator[Loopback]:
    with Loopback() as running:
        running.serve(INDEX, page(), etag='"index"', content_type="text/html")
        redirect(running)
        for name in NAMES:
            running.serve(f"/files/{name}", zipped(name), etag=f'"{name}"')
        yield running


@pytest.fixture
def zips(tmp_path: Path) -> ReleaseZips:
    return ReleaseZips(tmp_path / "release_archive")


@pytest.fixture
def reader(server: Loopback, zips: ReleaseZips, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Makes readers; each is a run of its own."""
    settings = {"HOME": tmp_path, "RELEASES_PAUSE_SECONDS": 0, "RELEASES_ASKED_AGAIN": 1, "RELEASES_MAX_BYTES": 4000,
                "HTTP_RETRIES": 1, "HTTP_BACKOFF_SECONDS": 0, "HTTP_BACKOFF_JITTER_SECONDS": 0}  # fmt: skip
    for name, value in settings.items():
        monkeypatch.setenv(f"TREASURY_WATCH_{name}", str(value))
    bases = {"tic_releases": server.url(), "tic": server.url(LINKED)}

    def make() -> ReleaseArchiveReader:
        return ReleaseArchiveReader(Settings(Declarations(PROJECT / "config", bases)), zips)

    return make


def run(reader: ReleaseArchiveReader) -> list[str]:
    """The names of the zips that came to be read."""
    links, _ = reader.links(None)
    return [zipped.path.name for zipped in reader.arriving(reader.pending(links), threading.Event())]


def asked(server: Loopback) -> list[str]:
    """The files asked for since the last time, by name, redirects left out."""
    names = [seen.path.rpartition("/")[2] for seen in server.seen() if not seen.path.startswith(LINKED)]
    server.forget()
    redirect(server)
    return names


def taken(zips: ReleaseZips, names: list[str] = NAMES) -> None:
    for name in names:
        zips.looked_at(name, LOADED, 4)


def test_every_zip_is_fetched_once_oldest_first_and_kept_with_what_is_known_of_it(reader, server, zips):
    assert run(reader()) == NAMES
    assert asked(server) == [INDEX[1:], *NAMES]
    note = zips.note(NAMES[0])
    assert note is not None
    assert (note.etag, note.bytes, note.members) == (f'"{NAMES[0]}"', len(zipped(NAMES[0])), None)
    assert note.url.endswith(LINKED + NAMES[0])
    assert zips.path(NAMES[0]).read_bytes() == zipped(NAMES[0])


def test_who_asks_is_named_in_every_request(reader, server):
    run(reader())
    assert all(seen.headers["user-agent"].startswith("treasury-watch/") for seen in server.seen())


def test_a_second_run_fetches_nothing_again_and_asks_only_for_the_newest(reader, server, zips):
    run(reader())
    taken(zips)
    assert [path.name for path in zips.folder.glob("*.zip")] == []
    asked(server)
    second = reader()
    assert run(second) == []
    seen = server.seen()
    assert [each.headers.get("if-none-match") for each in seen if not each.path.startswith(LINKED)] == [
        '"index"', f'"{NAMES[-1]}"',
    ]  # fmt: skip
    assert (second.done.known, second.done.unchanged, second.done.fetched) == (2, 1, 0)


def test_a_run_that_was_killed_goes_on_with_the_next(reader, server, zips):
    first = reader()
    links, _ = first.links(None)
    arriving = first.arriving(first.pending(links), threading.Event())
    next(arriving)
    next(arriving)  # two are on disk, none is loaded
    del arriving
    asked(server)
    assert run(reader()) == NAMES
    assert asked(server) == [INDEX[1:], NAMES[2]]


def test_a_zip_that_was_cut_on_disk_is_fetched_again(reader, server, zips):
    run(reader())
    zips.path(NAMES[1]).write_bytes(b"PK")
    asked(server)
    run(reader())
    assert asked(server) == [INDEX[1:], NAMES[1]]


def test_a_new_release_costs_the_page_the_zip_and_the_newest_before_it(reader, server, zips):
    server.serve(INDEX, page(NAMES[:2], MONTHS[:2]), etag='"shorter"', content_type="text/html")
    run(reader())
    taken(zips, NAMES[:2])
    server.serve(INDEX, page(), etag='"index"', content_type="text/html")
    asked(server)
    assert run(reader()) == [NAMES[2]]
    assert asked(server) == [INDEX[1:], NAMES[2]]


def test_a_row_that_the_page_changed_is_asked_for_conditionally(reader, server, zips):
    run(reader())
    taken(zips)
    server.serve(INDEX, page(months=["January 2024 (corrected)", *MONTHS[1:]]), etag='"next"', content_type="text/html")
    asked(server)
    third = reader()
    assert run(third) == []
    assert asked(server) == [INDEX[1:], NAMES[0], NAMES[2]]
    assert third.done.unchanged == 2
    assert run(reader()) == []
    assert asked(server) == [INDEX[1:], NAMES[2]]  # the new row is known now


def test_a_corrected_zip_of_the_newest_release_is_read_again(reader, server, zips):
    run(reader())
    taken(zips)
    server.serve(f"/files/{NAMES[2]}", zipped("corrected"), etag='"other"')
    assert run(reader()) == [NAMES[2]]
    assert zips.path(NAMES[2]).read_bytes() == zipped("corrected")


def test_a_zip_that_was_refused_in_part_is_read_again_without_a_request(reader, server, zips):
    run(reader())
    taken(zips, NAMES[1:])
    zips.looked_at(NAMES[0], [{**LOADED[0], "outcome": REFUSED}], 0)
    asked(server)
    assert run(reader()) == [NAMES[0]]
    assert asked(server) == [INDEX[1:], NAMES[2]]


@pytest.mark.parametrize(
    ("replies", "words"),
    [
        ([Reply(503), Reply(503)], "found status 503 Service Unavailable after 2 attempts"),
        ([Reply(404)], "found status 404 Not Found"),
        ([Reply(body=b"P" * 4001)], r"at most 4000 bytes, found 4001 announced.* max_bytes .* \[releases\]"),
        ([Reply(body=b"<html><title>Maintenance</title>")], "an HTML page titled 'Maintenance'"),
        ([Reply(body=b"Rar!\x1a\x07")], "expected a zip archive, found 6 bytes that begin with"),
    ],
    ids=["unavailable", "absent", "too large", "a page", "no zip"],
)
def test_a_zip_that_cannot_be_had_is_a_problem_of_its_own_and_the_others_come(reader, server, replies, words):
    server.script(f"/files/{NAMES[1]}", *replies)
    failing = reader()
    assert run(failing) == [NAMES[0], NAMES[2]]
    assert list(failing.done.problems) == [NAMES[1]]
    assert re.search(words, failing.done.problems[NAMES[1]])
    assert run(reader())[1] == NAMES[1]


def test_a_host_that_is_away_is_asked_for_one_zip_and_not_for_the_later_ones(reader, server, zips):
    with socket.create_server(("127.0.0.1", 0)) as closed_again:
        away = f"http://127.0.0.1:{closed_again.getsockname()[1]}/"
    settings = Settings(Declarations(PROJECT / "config", {"tic_releases": server.url(), "tic": away}))
    begun = ReleaseArchiveReader(settings, zips)
    assert run(begun) == []
    [(name, problem)] = begun.done.problems.items()
    assert name == NAMES[0]
    assert "Connection refused" in problem
    assert problem.endswith(f"; {len(NAMES) - 1} later releases not asked for")


def test_the_page_that_cannot_be_had_ends_the_run(reader, server):
    server.script(INDEX, Reply(403))
    with pytest.raises(FetchError, match=r"release archive, .*found status 403"):
        reader().links(None)


def test_a_page_that_lists_nothing_is_not_kept_for_the_next_run(reader, server, zips):
    server.script(INDEX, Reply(body=b"<html><body>moved</body></html>", headers={"ETag": '"index"'}))
    with pytest.raises(Exception, match="expected links to ticrel_"):
        reader().links(None)
    assert len(reader().links(None)[0]) == 3


def test_whoever_stops_reading_stops_the_fetching(reader, server):
    with fetching(stopping := reader(), stopping.links(None)[0]) as arriving:
        assert next(arriving).path.name == NAMES[0]
    assert not any(thread.name == "release archive" for thread in threading.enumerate())


def test_a_note_that_cannot_be_read_is_as_good_as_none(reader, server, zips):
    run(reader())
    (zips.folder / "ticrel_20240417.json").write_text(json.dumps({"url": "x"}))
    asked(server)
    run(reader())
    assert asked(server) == [INDEX[1:], NAMES[1]]
