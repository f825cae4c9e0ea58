"""The holder reference in config/: consistent within itself and with the facts of the statistics."""

import re
from collections import defaultdict

import pytest

from tests.transforms.tic import DECLARATIONS, FILES

HOLDERS = DECLARATIONS.holders
LABELS = DECLARATIONS.holder_labels
COUNTRIES = [row for row in HOLDERS if row["kind"] == "country"]
OTHERS = [row for row in HOLDERS if row["kind"] != "country"]
CUSTODIAL = {
    "Belgium", "Luxembourg", "United Kingdom", "Switzerland", "Ireland", "Cayman Islands", "Hong Kong", "Singapore",
    "Bermuda", "Bahamas", "Jersey", "Guernsey", "British Virgin Islands",
}  # fmt: skip
NO_LONGER_THERE = {"german_democratic_republic"}  # had no currency that is traded today


def test_holder_ids_names_and_codes_are_unique():
    for column, rows in [("holder_id", HOLDERS), ("holder", HOLDERS), ("iso3", COUNTRIES)]:
        values = [row[column] for row in rows]
        assert sorted(values) == sorted(set(values))


def test_holder_ids_are_lower_case_words():
    assert [row["holder_id"] for row in HOLDERS if not re.fullmatch(r"[a-z]+(_[a-z]+)*", row["holder_id"])] == []


def test_holder_names_carry_no_footnote_mark_and_no_stray_space():
    names = [row["holder"] for row in HOLDERS]
    assert [name for name in names if name != " ".join(name.split()) or "/" in name or "*" in name] == []


def test_kinds_are_the_four_declared_ones():
    assert {row["kind"] for row in HOLDERS} == {"country", "aggregate", "group", "memo"}


def test_countries_have_an_iso_code_of_three_capitals_and_nothing_else_has_one():
    assert [row["holder"] for row in COUNTRIES if not re.fullmatch("[A-Z]{3}", row["iso3"])] == []
    assert [row["holder"] for row in OTHERS if row["iso3"]] == []


def test_countries_have_a_currency_of_three_capitals_and_nothing_else_has_one():
    without = {row["holder_id"] for row in COUNTRIES if not re.fullmatch("[A-Z]{3}", row["currency"])}
    assert without == NO_LONGER_THERE
    assert [row["holder"] for row in OTHERS if row["currency"]] == []


@pytest.mark.parametrize(
    ("holder", "iso3", "currency"),
    [
        ("Japan", "JPN", "JPY"), ("China, Mainland", "CHN", "CNY"), ("United Kingdom", "GBR", "GBP"),
        ("Korea, South", "KOR", "KRW"), ("Switzerland", "CHE", "CHF"), ("Taiwan", "TWN", "TWD"),
        ("Belgium", "BEL", "EUR"), ("Hong Kong", "HKG", "HKD"), ("Cayman Islands", "CYM", "KYD"),
        ("Guernsey", "GGY", "GBP"), ("British Virgin Islands", "VGB", "USD"), ("Brazil", "BRA", "BRL"),
        ("Saudi Arabia", "SAU", "SAR"), ("United Arab Emirates", "ARE", "AED"), ("Croatia", "HRV", "EUR"),
    ],
)  # fmt: skip
def test_well_known_holders_have_their_codes(holder, iso3, currency):
    (row,) = [row for row in HOLDERS if row["holder"] == holder]
    assert (row["iso3"], row["currency"]) == (iso3, currency)


def test_the_custodial_centres_are_exactly_the_known_ones():
    assert {row["holder"] for row in HOLDERS if row["custodial_centre"] == "true"} == CUSTODIAL
    assert {row["custodial_centre"] for row in HOLDERS} == {"true", "false"}


@pytest.mark.parametrize(
    "label",
    [
        "Grand Total", "All Countries", "Total Europe", "Total Asia", "Total Caribbean", "Total Latin America",
        "Total Africa", "Total Other", "International", "Total IROs", "Total Regional Orgs.", "Memo: Euro Area",
        "Memo: European Union", "Of Which: Foreign Official", "Of Which: Foreign Non-Official", "All Other",
        "Oil Exporters 3/", "Carib Bnkng Ctrs 4/", "Belgium-Luxembourg", "Belgium and Luxembourg", "For. Official",
        "Treasury Bills", "T-Bonds & Notes", "Country Unknown", "Of which Foreign Official",
    ],
)  # fmt: skip
def test_no_sum_sector_group_or_memo_line_is_a_country(label):
    kinds = {row["holder_id"]: row["kind"] for row in HOLDERS}
    found = {kinds[row["holder_id"]] for row in LABELS if " ".join(row["label"].split()) == label}
    assert found
    assert "country" not in found


def test_no_holder_named_like_a_sum_is_a_country():
    words = (
        "total",
        "memo",
        "official",
        "all other",
        "all countries",
        "exporters",
        "ctrs",
        "international",
        "unknown",
        " and luxembourg",
    )
    assert [row["holder"] for row in COUNTRIES if any(word in row["holder"].lower() for word in words)] == []


def test_every_label_leads_to_a_known_holder_and_every_holder_has_a_label():
    assert {row["holder_id"] for row in LABELS} == {row["holder_id"] for row in HOLDERS}


def test_a_label_is_declared_once_for_each_survey_basis():
    seen = defaultdict(set)
    for row in LABELS:
        for series in row["series"].split() or [""]:
            seen[row["layout"], " ".join(row["label"].split()), row["code"], series].add(
                (row["holder_id"], row["measure"])
            )
    assert {key: holders for key, holders in seen.items() if len(holders) > 1} == {}


def test_a_code_means_one_holder_in_every_layout():
    holders = defaultdict(set)
    for row in LABELS:
        if row["code"]:
            holders[row["code"]].add(row["holder_id"])
    assert {code: found for code, found in holders.items() if len(found) > 1} == {}


def test_a_label_means_one_holder_in_every_layout_but_belgium_which_included_luxembourg():
    holders = defaultdict(set)
    for row in LABELS:
        if row["label"]:
            holders[re.sub(r" \d+/$", "", " ".join(row["label"].split()))].add(row["holder_id"])
    assert {label: found for label, found in holders.items() if len(found) > 1} == {
        "Belgium": {"belgium", "belgium_luxembourg"}
    }


def test_the_label_of_a_country_is_its_name_but_for_other_names_that_tables_use():
    names = {row["holder_id"]: row["holder"] for row in COUNTRIES}
    others = {
        (row["label"], row["holder_id"])
        for row in LABELS
        if row["label"] and row["holder_id"] in names
        and re.sub(r" \d+/$", "", " ".join(row["label"].split())) != names[row["holder_id"]]
    }  # fmt: skip
    assert others == {
        ("Korea", "korea_south"), ("South Korea", "korea_south"), ("Mainland China", "china_mainland"),
        ("China", "china_mainland"), ("Türkiye", "turkey"),
    }  # fmt: skip


def test_layouts_codes_and_measures_are_known():
    assert {row["layout"] for row in LABELS} == {*FILES, "cslt"}
    coded = {"slt_table3", "slt_table1", "slt3d_globl", "s1_globl", "cslt"}
    assert {row["layout"] for row in LABELS if row["code"]} == coded
    assert [row for row in LABELS if row["layout"] in coded and not re.fullmatch(r"\d{5}", row["code"])] == []
    assert {row["measure"] for row in LABELS} == {"", "short_term_position", "long_term_position"}
    assert {row["holder_id"] for row in LABELS if row["measure"]} == {"foreign_official"}


def test_a_country_of_table_3_is_known_by_name_wherever_it_may_appear_next():
    """The twenty of Table 5 and the rows of the history change with the figures."""
    countries = {row["holder_id"] for row in COUNTRIES}
    of = {name: {row["holder_id"] for row in LABELS if row["layout"] == name} & countries for name in FILES}
    assert of["slt_table3"] <= of["slt_table5"]
    assert of["slt_table3"] <= of["mfhhis01"]
    assert of["slt3d_globl"] - of["slt_table3"] == {"netherlands_antilles"}
