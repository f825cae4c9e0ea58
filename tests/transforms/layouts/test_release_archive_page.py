"""The page of the release archive, row by row, and which members of a zip matter."""

from datetime import date

import pytest

from treasury_watch.transforms.errors import LayoutError
from treasury_watch.transforms.layouts.pages.release_archive import ReleaseLink, read_index, since, wanted

URL = "https://home.treasury.gov/archives-of-tic-monthly-data-releases"
FOLDER = "https://www.treasury.gov/resource-center/data-chart-center/tic/Documents/"
TABLES = ("slt_table3", "slt_table5", "mfhhis01", "mfh")


def page(*rows: str) -> bytes:
    return ("<html><body><a href='/home'>Home</a><p>" + "\n".join(rows) + "</p></body></html>").encode()


def row(name: str, label: str, rest: str) -> str:
    return f'<a href="{FOLDER}{name}">{label}</a>{rest}'


def read(*rows: str) -> list[ReleaseLink]:
    links, warnings = read_index(page(*rows), URL)
    assert warnings == []
    return links


def test_a_row_says_its_address_label_month_and_day_of_release():
    (link,) = read(row("ticrel_20251017.zip", "10/17/2025", " TIC Data for August 2025 (released 11-18-2025)<br>"))
    assert link == ReleaseLink(
        "ticrel_20251017.zip",
        FOLDER + "ticrel_20251017.zip",
        "10/17/2025",
        "TIC Data for August 2025 (released 11-18-2025)",
        date(2025, 10, 17),
        date(2025, 8, 1),
        date(2025, 11, 18),
    )


@pytest.mark.parametrize(
    ("rest", "covers", "released"),
    [
        (" TIC Data for February 2024<br>", date(2024, 2, 1), None),
        ("; TIC Data for Aug. 2006 br&gt;", date(2006, 8, 1), None),
        (" - TIC data for Sept. 2013;<br />", date(2013, 9, 1), None),
        (" TIC Data for <b>March</b> 2019 (Released: 5/15/19)", date(2019, 3, 1), date(2019, 5, 15)),
        ("<br> TIC Data for May, 2011 (released 13-40-2011)", date(2011, 5, 1), None),
    ],
)
def test_separators_short_months_and_days_are_read_in_their_variants(rest, covers, released):
    (link,) = read(row("ticrel_20240417.zip", "04/17/2024", rest))
    assert (link.covers, link.released) == (covers, released)


def test_what_a_row_says_ends_where_the_next_link_begins():
    links = read(
        row("ticrel_20240417.zip", "04/17/2024", " TIC Data for February 2024<br>"),
        row("ticrel_20240318.zip", "03/18/2024", " TIC Data for January 2024 (released 3-19-2024)"),
    )
    assert [(link.covers, link.released) for link in links] == [
        (date(2024, 1, 1), date(2024, 3, 19)),
        (date(2024, 2, 1), None),
    ]


def test_releases_stand_in_the_order_of_their_months_and_each_once():
    links = read(
        row("ticrel_20021231.zip", "12/31/2002", " TIC Data for October 2002"),
        row("ticrel_20251017.zip", "10/17/2025", " TIC Data for August 2025"),
        row("ticrel_20030131.zip", "1/31/2003", " TIC Data for November 2002"),
        row("TICREL_20251017.zip", "10/17/2025", " TIC Data for August 2025"),
    )
    assert [link.archive for link in links] == ["ticrel_20021231.zip", "ticrel_20030131.zip", "ticrel_20251017.zip"]
    assert [link.archive for link in since(links, date(2002, 11, 1))] == ["ticrel_20030131.zip", "ticrel_20251017.zip"]


def test_a_row_that_cannot_be_read_is_named_and_kept_in_its_place():
    links, warnings = read_index(
        page(
            row("ticrel_20061018.zip", "10/18/2006", " TIC Data for Aug. 2006"),
            row("ticrel_20061020.zip", "10/20/2006", " extra<br>"),
            row("ticrel_2002dec31.zip", "first", " TIC Data for October 2002"),
            row("ticrel_20061116.zip", "11/16/2006", " TIC Data for September 2006"),
        ),
        URL,
    )
    assert [link.archive[7:-4] for link in links] == ["2002dec31", "20061018", "20061020", "20061116"]
    assert sorted(warning.split(":")[0] for warning in warnings) == [
        "release archive, ticrel_2002dec31.zip",
        "release archive, ticrel_20061020.zip",
    ]
    assert "found '10/20/2006 extra'" in "".join(warnings)


def test_a_page_without_archives_is_refused_by_name():
    with pytest.raises(LayoutError, match=r"release archive, index page: expected links to ticrel_"):
        read_index(page('<a href="/other.zip">other</a>'), URL)
    with pytest.raises(LayoutError, match="release archive, index page"):
        read_index(b"", URL)


def test_relative_links_lie_beside_the_page():
    (link,) = read('<a href="Documents/ticrel_20240417.zip?x=1">04/17/2024</a> TIC Data for February 2024')
    assert link.url == "https://home.treasury.gov/Documents/ticrel_20240417.zip?x=1"
    assert link.archive == "ticrel_20240417.zip"


def test_the_text_of_a_table_is_taken_before_its_siblings_and_the_rest_is_passed_over():
    names = ["slt_table5.html", "slt_table5.txt", "slt_table5.csv", "tic/mfhhis01.HTML", "slt_table1.txt", "mfh.pdf"]
    chosen, passed_over = wanted(names, TABLES)
    assert chosen == ["slt_table5.txt", "tic/mfhhis01.HTML"]
    assert passed_over == ["slt_table5.html", "slt_table5.csv", "slt_table1.txt", "mfh.pdf"]
    assert wanted(["npr_history.csv"], TABLES) == ([], ["npr_history.csv"])
