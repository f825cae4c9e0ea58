"""Charts of the last page: the same is not drawn again, anything else is."""

import json
from pathlib import Path

import pytest

from treasury_watch.flows.site.charts.chart_cache import cached_charts, drawn_once

DRAWN: list[str] = []


@pytest.fixture(autouse=True)
def nothing_drawn() -> None:
    DRAWN.clear()


def page(file: Path, *charts: str) -> list[str]:
    def draw(told: str) -> str:
        DRAWN.append(told)
        return f"<svg>{told}</svg>"

    with cached_charts(file):
        return [drawn_once(told, lambda told=told: draw(told)) for told in charts]


def test_a_chart_of_the_last_page_is_not_drawn_again_and_another_is(tmp_path: Path) -> None:
    first = page(tmp_path / "charts.json", "a", "b", "a")
    assert page(tmp_path / "charts.json", "a", "c") == [first[0], "<svg>c</svg>"]
    assert DRAWN == ["a", "b", "c"]


def test_only_what_the_last_page_had_is_kept(tmp_path: Path) -> None:
    page(tmp_path / "charts.json", "a", "b")
    page(tmp_path / "charts.json", "b")
    assert list(json.loads((tmp_path / "charts.json").read_text()).values()) == ["<svg>b</svg>"]


@pytest.mark.parametrize("content", ["", "[1]", '{"x": 1}', "\xff"])
def test_a_file_that_cannot_be_used_costs_the_drawing_alone(tmp_path: Path, content: str) -> None:
    file = tmp_path / "charts.json"
    file.write_text(content, encoding="latin-1")
    assert page(file, "a") == ["<svg>a</svg>"]
    assert page(tmp_path / "no folder" / "charts.json", "a") == ["<svg>a</svg>"]


def test_without_a_file_each_is_drawn() -> None:
    assert [drawn_once("a", lambda: "1"), drawn_once("a", lambda: "2")] == ["1", "2"]
