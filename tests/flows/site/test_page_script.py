"""The script of a page is taken from the last one, and made again where that is damaged or of another version."""

from pathlib import Path

import pytest

from treasury_watch.flows.site import page_script


@pytest.fixture(autouse=True)
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was made instead of taken."""
    found: list[str] = []

    def make(snippet: str) -> str:
        found.append(snippet)
        return "draw('</script>');"

    monkeypatch.setattr("vl_convert.javascript_bundle", make)
    page_script.script.cache_clear()
    yield found
    page_script.script.cache_clear()


@pytest.fixture
def page(made: list[str], tmp_path: Path) -> Path:
    path = tmp_path / "page.html"
    path.write_text(f"<p>figures</p>{page_script.element()}<p>more</p><script>other()</script>", encoding="utf-8")
    page_script.script.cache_clear()
    made.clear()
    return path


def test_the_last_page_has_it(page, made):
    found = page_script.element(page)
    assert made == []
    assert found in page.read_text(encoding="utf-8")
    assert r"draw('<\/script>');</script>" in found


@pytest.mark.parametrize(
    ("before", "after"),
    [("draw", "drew"), ("python ", "python 0."), ("data-made-by", "data-by")],
    ids=["damaged", "of another version", "of no version"],
)
def test_it_is_made_again_where_the_last_page_is(before, after, page, made):
    page.write_text(page.read_text(encoding="utf-8").replace(before, after), encoding="utf-8")
    assert "draw(" in page_script.element(page)
    assert len(made) == 1


def test_it_is_made_where_there_is_no_page(made, tmp_path):
    assert "draw(" in page_script.element(tmp_path / "none.html")
    assert len(made) == 1
