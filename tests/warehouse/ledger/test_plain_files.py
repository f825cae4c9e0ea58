"""What a user may name for loading: plain files of a sane size; nothing else is waited for or read."""

from __future__ import annotations

import os
import re
import socket
from pathlib import Path

import pytest

from tests.conftest import PROJECT
from treasury_watch.transforms import layouts
from treasury_watch.transforms.errors import TreasuryWatchError
from treasury_watch.warehouse.declarations import Declarations
from treasury_watch.warehouse.ledger.incoming.incoming_files import NoPlainFile, read_plain

SAMPLE = PROJECT / "config" / "sample"


@pytest.fixture
def strange(tmp_path) -> dict[str, Path]:
    """A path of each kind that is no plain file, and an enormous one without content."""
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "folder").mkdir()
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(os.path.relpath(tmp_path / "socket"))  # a short name, as its kind asks for
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(50 * 1024**3)
    (tmp_path / "leads to the pipe").symlink_to(tmp_path / "fifo")
    return {path.name: path for path in tmp_path.iterdir()} | {"zero": Path("/dev/zero")}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("fifo", "expected a plain file, found a pipe; copy"),
        ("leads to the pipe", "expected a plain file, found a pipe; copy"),
        ("folder", "expected a plain file, found a folder; name the files in it"),
        ("socket", "expected a plain file, found a socket or a device"),
        ("zero", "expected a plain file, found a device"),
        ("sparse", "expected at most 536,870,912 bytes, found 53,687,091,200 or more"),
    ],
)
def test_what_is_no_plain_file_or_too_large_is_refused_before_anything_is_read(strange, name, words):
    with pytest.raises(NoPlainFile, match=re.escape(f"{strange[name]}: {words}")):
        read_plain(strange[name])


def test_a_file_of_the_very_limit_is_read_and_one_byte_more_is_not(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"12345")
    assert read_plain(path, 5) == b"12345"
    with pytest.raises(NoPlainFile, match="expected at most 4 bytes, found 5 or more"):
        read_plain(path, 4)


@pytest.mark.parametrize(
    "path", [*sorted(SAMPLE.glob("tic/*.txt")), SAMPLE / "fred" / "DEXJPUS.csv"], ids=lambda p: p.name
)
def test_a_message_quotes_at_most_200_characters_of_a_file(path):
    body = path.read_bytes()
    long = b"Q" * 3000
    lines = body.split(b"\n")
    source = Declarations().sources.get(layouts.recognised(body))
    places = [0, len(lines) // 2]
    for at in places:
        for damage in (
            long + lines[at],
            lines[at] + long,
            lines[at].replace(b",", b"," + long, 1),
            long.join(lines[at].split(b"\t", 1)),
        ):
            after = b"\n".join([*lines[:at], damage, *lines[at + 1 :]])
            message = ""
            try:
                layouts.parse(after, source)
            except TreasuryWatchError as problem:
                message = str(problem)
            assert message.count("Q") <= 200, message[:600]
