"""A holder by whatever a user calls it."""

from __future__ import annotations

import shutil

import pytest

from tests.conftest import PROJECT
from treasury_watch.transforms.errors import ConfigurationError
from treasury_watch.warehouse.declarations import Declarations
from treasury_watch.warehouse.holder_names import UnknownHolderName, named


@pytest.mark.parametrize(
    ("said", "holder_id"),
    [
        ("Japan", "japan"),
        ("jpn", "japan"),
        ("China", "china_mainland"),
        ("mainland china", "china_mainland"),
        ("China, Mainland", "china_mainland"),
        ("UK", "united_kingdom"),
        ("u.k.", "united_kingdom"),
        ("the United Kingdom", "united_kingdom"),
        ("Türkiye", "turkey"),
        ("TURKIYE", "turkey"),
        ("South Korea", "korea_south"),
        ("korea_south", "korea_south"),
        ("BVI", "british_virgin_islands"),
        ("Curaçao", "curacao"),
        ("official", "foreign_official"),
        ("euro area", "euro_area"),
    ],
)
def test_a_holder_is_known_by_name_identifier_code_or_alias(declarations, said, holder_id):
    assert named(said, declarations)["holder_id"] == holder_id


@pytest.mark.parametrize(("said", "closest"), [("Jpan", "Japan"), ("Xyzzy", "FROM holders"), ("Belgum", "Belgium")])
def test_an_unknown_name_is_refused_with_the_closest_holders(declarations, said, closest):
    with pytest.raises(UnknownHolderName, match=rf"no holder '{said}' .*{closest}"):
        named(said, declarations)


def test_holders_whose_name_has_the_text_in_it_are_suggested_first_and_one_with_a_comma_is_quoted(declarations):
    with pytest.raises(UnknownHolderName, match="did you mean Saudi Arabia or United Arab Emirates"):
        named("Arab", declarations)
    with pytest.raises(UnknownHolderName, match=r"did you mean 'China, Mainland' or "):
        named("Chin", declarations)


def test_every_name_of_every_holder_leads_to_it(declarations):
    for row in declarations.holders:
        for name in (row["holder_id"], row["holder"], row["iso3"]):
            assert not name or named(name, declarations)["holder_id"] == row["holder_id"]
    for entry in declarations.rows("holder_aliases.csv"):
        assert named(entry["alias"], declarations)["holder_id"] == entry["holder_id"]


def test_an_alias_of_no_holder_is_refused_with_its_line(tmp_path):
    shutil.copytree(PROJECT / "config", tmp_path / "config")
    (tmp_path / "config" / "holder_aliases.csv").write_text("alias,holder_id\nAtlantis,atlantis\n", encoding="utf-8")
    with pytest.raises(
        ConfigurationError,
        match=r"holder_aliases.csv, line 2, column 2 \(holder_id\): expected a holder_id of holders.csv .*, found 'atlantis'",
    ):
        named("Japan", Declarations(tmp_path / "config"))
