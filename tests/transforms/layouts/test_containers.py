"""Zip archives and gzip are opened by their content; what is in them and not read is named, and traps are refused."""

import gzip
import io
import zipfile

import pytest

from tests.transforms.layouts import test_cslt, test_ecb
from tests.transforms.layouts.test_tables import workbook
from tests.transforms.tic import BODIES, as_html, history, table3, table5, zipped
from treasury_watch.transforms.errors import LayoutError
from treasury_watch.transforms.layouts import containers, recognised
from treasury_watch.transforms.layouts.containers import members
from treasury_watch.transforms.layouts.contents import contents_of
from treasury_watch.transforms.layouts.rates import ecb
from treasury_watch.transforms.layouts.tic import cslt

RELEASE = zipped(
    slt_table3__txt=table3(), slt_table5__html=as_html(table5()), mfhhis01__txt=history(),
    slt_table1__txt=b"Table 1: U.S. Long-Term Securities\t\r\n", npr_history__csv=b"Net purchases,by month\r\n2004-01,1\r\n",
    readme__txt=b"Dear reader",
)  # fmt: skip


def encrypted(body: bytes) -> bytes:
    """The archive with the mark of encryption on every file."""
    changed = bytearray(body)
    for start, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        position = -1
        while (position := changed.find(start, position + 1)) >= 0:
            changed[position + flags] |= 1
    return bytes(changed)


def test_a_release_archive_gives_its_tables_and_names_the_rest():
    found = contents_of(RELEASE, "ticrel_20260618.zip")
    assert [(member.name, member.container, source) for member, source in found.read] == [
        ("slt_table3.txt", "ticrel_20260618.zip", "slt_table3"),
        ("slt_table5.html", "ticrel_20260618.zip", "slt_table5"),
        ("mfhhis01.txt", "ticrel_20260618.zip", "mfhhis01"),
    ]
    assert found.read[0][0].body == table3()
    assert found.passed_over == [
        ("slt_table1.txt", "Table 1: U.S. Long-Term Securities (slt_table1)"),
        ("npr_history.csv", "of no known layout: Net purchases,by month 2004-01,1"),
        ("readme.txt", "of no known layout: Dear reader"),
    ]
    assert found.refused == []


def test_the_content_tells_a_container_and_not_the_name():
    (member,) = members(gzip.compress(table5()), "slt_table5.txt")
    assert (member.body, member.container) == (table5(), "slt_table5.txt")
    (member,) = members(gzip.compress(table5()), "slt_table5.txt.gz")
    assert member.name == "slt_table5.txt"
    (member,) = members(table5(), "slt_table5.zip")
    assert (member.name, member.body, member.container) == ("slt_table5.zip", table5(), None)


@pytest.mark.parametrize(
    "body",
    [test_cslt.WHOLE, test_ecb.zipped(), test_ecb.zipped()[:-30], workbook()],
    ids=["cslt", "ecb", "cut", "xlsx"],
)
def test_an_archive_that_a_layout_reads_whole_and_a_workbook_are_not_opened(body):
    (member,) = members(body, "x.zip")
    assert (member.body, member.container) == (body, None)


def test_the_archives_that_layouts_read_whole_are_named_once():
    assert (cslt.MEMBER, ecb.MEMBER) == containers.READ_WHOLE


def test_folders_and_what_a_computer_adds_are_left_out_and_names_keep_their_folder():
    body = zipped(**{"2026/": b"", "2026/slt_table5__txt": table5(), "__MACOSX/._x__txt": b"x", ".DS_Store": b"x"})
    assert [member.name for member in members(body, "x.zip")] == ["2026/slt_table5.txt"]


def test_a_container_within_a_container_is_named_and_not_opened():
    found = contents_of(zipped(a__zip=RELEASE, slt_table5__txt=table5(), b__gz=gzip.compress(table5())), "x.zip")
    assert [member.name for member, _ in found.read] == ["slt_table5.txt"]
    assert found.passed_over == [("a.zip", "a zip archive"), ("b.gz", "a gzip file")]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (RELEASE[:-40], "x.zip, zip archive: expected a whole zip archive, found .*; fetch it again"),
        (encrypted(RELEASE), "x.zip, zip archive: expected files without a password, found encrypted ones; unpack it"),
        (zipped(), "x.zip, zip archive: expected at least one file, found an empty archive"),
        (
            zipped(**{f"f{n}": b"" for n in range(2001)}),
            "x.zip, zip archive: expected at most 2,000 files, found 2,001",
        ),
        (
            zipped(readme__txt=b"Dear reader"),
            r"expected a file of a known layout, found readme.txt \(of no known layout",
        ),
    ],
)
def test_an_archive_that_cannot_be_opened_is_refused_in_one_line(body, told):
    with pytest.raises(LayoutError, match=told) as caught:
        contents_of(body, "x.zip")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("cut", [11, 40, -9])
def test_a_cut_gzip_is_refused(cut):
    found = contents_of(gzip.compress(table5() * 9)[:cut], "x.gz")
    problem = found.refused[0][1] if found.refused else None
    if problem is None:  # its beginning is whole
        with pytest.raises(LayoutError) as caught:
            _ = found.read[0][0].body
        problem = caught.value
    assert "x.gz, member x: expected a whole file" in str(problem)


def test_a_damaged_or_encrypted_member_is_refused_and_the_others_are_read():
    body = bytearray(RELEASE)
    start = body.find(b"mfhhis01.txt") + len("mfhhis01.txt")
    body[start + 20 : start + 40] = bytes(20)
    found = contents_of(bytes(body), "x.zip")
    assert [source for _, source in found.read][:2] == ["slt_table3", "slt_table5"]
    damaged = [problem for _, problem in found.refused]
    if not damaged:
        with pytest.raises(LayoutError) as caught:
            _ = found.read[2][0].body
        damaged = [caught.value]
    assert "x.zip, member mfhhis01.txt: expected a whole file" in str(damaged[0])


def test_a_trap_is_refused_before_it_is_expanded(monkeypatch):
    monkeypatch.setattr(containers, "LARGEST_BYTES", 1_000_000)
    monkeypatch.setattr(containers, "SMALL_BYTES", 100_000)
    trap = zipped(slt_table5__txt=table5(), big__txt=table5() + b" " * 2_000_000, dense__txt=b"0" * 900_000)
    found = contents_of(trap, "x.zip")
    assert [name for name, _ in found.refused] == ["big.txt", "dense.txt"]
    assert "at most 1,000,000 bytes, and at most 400 times the packed ones, found 2,000" in str(found.refused[0][1])
    (member,) = members(gzip.compress(b"0" * 900_000), "x.gz")  # does not state its size
    with pytest.raises(LayoutError, match=r"x\.gz, member x: expected at most .* found 900,000 from"):
        _ = member.body


def test_a_size_that_an_archive_understates_is_found_out(monkeypatch):
    monkeypatch.setattr(containers, "LARGEST_BYTES", 1000)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.txt", b"x" * 5000)
    body = buffer.getvalue().replace((5000).to_bytes(4, "little"), (900).to_bytes(4, "little"))
    (member,) = members(body, "x.zip")
    with pytest.raises(LayoutError):
        _ = member.body


@pytest.mark.parametrize("name", BODIES)
def test_the_beginning_of_a_file_tells_its_layout(name):
    (member,) = members(BODIES[name] + b"\r\n" * 100_000, name)
    assert len(member.start()) == 64 * 1024
    assert recognised(member.start()) == name


def test_a_container_that_reaches_the_recogniser_is_named():
    with pytest.raises(
        LayoutError, match=r"found a container of slt_table3\.txt, slt_table5\.html, .*; name the files"
    ):
        recognised(RELEASE)
    with pytest.raises(LayoutError, match="expected a whole zip archive"):
        recognised(RELEASE[:-40])
