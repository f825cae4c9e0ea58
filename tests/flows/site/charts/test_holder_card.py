"""The chart on a holder's card: every month's parts and change, the last value, events."""

from datetime import date
from xml.etree import ElementTree

from treasury_watch.flows.site.charts.holder_card import HEIGHT, WIDTH, holder_card, holder_picture, picture_drawing
from treasury_watch.flows.site.charts.holder_changes import HOLDINGS, MONTHS_SHOWN, PARTS

SVG = "{http://www.w3.org/2000/svg}"


def month(number: int, position: float, change: float | None, *parts: float):
    columns = [column for column in PARTS]
    known = dict(zip(columns, parts, strict=True)) if parts else dict.fromkeys(columns)
    every = {"net_purchases_usd_mn": None, "position_usd_mn": position, "change_usd_mn": change, **known}
    return {"month": date(2026, number, 1), **every}


ROWS = [
    month(1, 1_200_000, None),
    month(2, 1_191_000, -9_000, -2_000, -1_000, -5_000, -1_000),
    month(3, 1_103_900, -87_100),
]


def shapes(rows, events=()) -> ElementTree.Element:
    return ElementTree.fromstring(holder_card(rows, events).svg)


def test_bonds_and_bills_are_apart_and_every_change_has_its_diamond() -> None:
    drawn = shapes(ROWS)
    assert [bar.attrib["fill"] for bar in drawn.iter("rect")] == [colour for _, colour in PARTS.values()]
    assert len([path for path in drawn.iter("path") if path.attrib["d"].endswith("z")]) == 2


def test_the_last_value_stands_right_of_the_line() -> None:
    [value] = [text for text in shapes(ROWS).iter("text") if text.attrib.get("font-weight") == "600"]
    [end] = shapes(ROWS).iter("circle")
    assert value.text == "1,103.9"
    assert float(end.attrib["cx"]) < float(value.attrib["x"]) < WIDTH - 50


def test_a_month_with_an_event_is_dashed_in_both_panels() -> None:
    assert (
        len([path for path in shapes(ROWS, [date(2026, 2, 1)]).iter("path") if "stroke-dasharray" in path.attrib]) == 2
    )
    assert not [path for path in shapes(ROWS).iter("path") if "stroke-dasharray" in path.attrib]


def test_where_nothing_is_taken_apart_the_change_is_a_bar() -> None:
    [bar] = shapes([ROWS[0], ROWS[2]]).iter("rect")
    assert bar.attrib["fill"] == HOLDINGS


def test_nothing_leaves_the_drawing() -> None:
    for text in shapes(ROWS).iter("text"):
        assert 0 <= float(text.attrib["x"]) <= WIDTH
        assert 0 < float(text.attrib["y"]) < HEIGHT


def test_the_picture_is_a_png_of_twice_the_size_and_the_same_every_time() -> None:
    once, again, single = holder_picture(ROWS, "Japan"), holder_picture(ROWS, "Japan"), holder_picture(ROWS, "Japan", 1)
    assert once.startswith(b"\x89PNG\r\n\x1a\n")
    assert once == again
    assert size(once) == tuple(2 * edge for edge in size(single))


def test_another_figure_a_part_or_a_name_makes_another_picture() -> None:
    others = [
        month(2, 1_181_000, -9_000, -2_000, -1_000, -5_000, -1_000),
        month(2, 1_191_000, -9_000, -2_900, -100, -5_000, -1_000),
    ]
    pictures = [holder_picture([ROWS[0], row, ROWS[2]], "Japan") for row in (ROWS[1], *others)]
    assert len({*pictures, holder_picture(ROWS, "Norway")}) == 4


def test_the_picture_shows_the_newest_months_alone() -> None:
    rows = [{**ROWS[1], "month": date(2023 + n // 12, n % 12 + 1, 1)} for n in range(MONTHS_SHOWN + 1)]
    assert holder_picture(rows, "Japan") == holder_picture(rows[1:], "Japan") != holder_picture(rows[2:], "Japan")


def test_a_holder_without_months_and_one_with_a_strange_name_have_a_picture() -> None:
    assert size(holder_picture([], "Côte d'Ivoire <& others>", 1)) == size(holder_picture(ROWS, "Japan", 1))


def test_the_picture_names_its_holder_and_its_colours_and_stands_on_white() -> None:
    drawn = ElementTree.fromstring(picture_drawing(ROWS, "Trinidad & Tobago", 1))
    words = [text.text for text in drawn.iter(f"{SVG}text")]
    assert words[0] == "Trinidad & Tobago"
    assert words[-len(PARTS) :] == [name for name, _ in PARTS.values()]
    [ground, *_] = drawn.iter(f"{SVG}rect")
    assert (ground.attrib["fill"], ground.attrib["width"]) == ("#ffffff", drawn.attrib["width"])


def size(png: bytes) -> tuple[int, int]:
    return int.from_bytes(png[16:20], "big"), int.from_bytes(png[20:24], "big")
